// What scripts/firmware/eva.mjs runs: for each entry point of this folder the sources that it needs, the settings that make Eva
// precise enough, what helps it in copies of the sources (`annotations`: a piece of text, and what stands there instead), and an
// error that it has to find (`plant`). `without`: sources that the entry point stands in for. `known`: alarms that are listed, by
// file and a part of what is said, each with the reason why it is none. `open`: why it is not part of a run unless it is asked for
// by name.

const WIRE = /^src\/(wire|base\/crc)/;
const IMAGE = /^src\/(image|base)\//;
const FLASH = /^src\/(flash|base)\//;
const TARGET =
  /^src\/(base|board|flash|image\/tree|link\/(acks|outbox|rtt)|linkkey|session\/(?!rescuer)|wire\/(?!frame_read|message_read))/;
const MAILBOX = /^src\/(i2c|base\/crc)/;
const SPLIT = [
  ...["-eva-slevel", "100000", "-eva-min-loop-unroll", "20", "-eva-split-limit", "700"],
  "-eva-interprocedural-splits",
];

/** Puts annotations behind a piece of text; the empty statement is what the last one belongs to. */
function behind(file, text, ...annotations) {
  return { file, from: text, to: `${text}${annotations.map((line) => `//@ ${line};\n`).join("")};\n` };
}

/** Takes a loop's first turns one by one. */
function unrolled(file, text, turns) {
  return { file, from: text, to: `  //@ loop unroll ${turns};\n${text}` };
}

/** What helps with the boot record. */
const RECORD = [
  behind(
    "src/flash/record_state.c",
    "const uint8_t *digest, uint8_t count) {\n",
    "split state->failed_count",
  ),
  {
    file: "src/flash/ranges.c",
    from: "  while (at < set->count) {\n    mayday_sector_range old = set->ranges[at];\n    if (old.last",
    to: `  //@ widen_hints set->count, 11, 12, 13;
  while (at < set->count) {
    mayday_sector_range old = set->ranges[at];
    if (old.last`,
  },
  behind(
    "src/flash/ranges.c",
    "    bool has_right = old.last > range.last;\n",
    "split has_left",
    "split has_right",
  ),
];

export const ENTRIES = {
  crc: {
    sources: WIRE,
    settings: ["-eva-precision", "2"],
    plant: { file: "src/base/crc.c", from: "i < length", to: "i <= length" },
  },
  cobs: {
    sources: WIRE,
    settings: SPLIT,
    annotations: [
      behind("src/wire/cobs.c", "  size_t from = 0, to = 0;\n", "dynamic_split from", "dynamic_split to"),
      behind("src/wire/cobs.c", "    unsigned code = run[from++];\n", "split code"),
      behind("src/wire/cobs.c", "  unsigned code = 1;\n", "dynamic_split at", "dynamic_split code_at"),
    ],
    plant: { file: "src/wire/cobs.c", from: "code - 1u > length - from", to: "code - 2u > length - from" },
  },
  frame: {
    sources: WIRE,
    settings: SPLIT,
    annotations: [
      behind("src/wire/message_read.c", "    unsigned count = bytes[0];\n", "split count"),
      {
        file: "src/wire/message_read.c",
        from: "  while (from->left > 0) {\n    const uint8_t *head = mayday_take(from, 2);\n",
        to: `  //@ dynamic_split from->left;
  while (from->left > 0) {
    const uint8_t *head = mayday_take(from, 2);
    if (head == NULL) return false;
    //@ split head[1];
    ;
`,
      },
    ],
    plant: { file: "src/wire/reader.h", from: "length > from->left", to: "length > from->left + 1u" },
  },
  runs: {
    sources: WIRE,
    settings: ["-eva-precision", "3"],
    plant: { file: "src/wire/runs.c", from: "i < length", to: "i <= length" },
  },
  manifest: {
    sources: IMAGE,
    settings: [
      ...["-eva-slevel", "2000", "-eva-min-loop-unroll", "40"],
      ...["-eva-split-return-function", "read_point:0,mayday_cbor_take:0"],
    ],
    annotations: [
      behind("src/image/cbor.c", "    uint8_t width = (uint8_t)(1u << (rest - 24u));\n", "split width"),
      {
        file: "src/image/manifest.c",
        from: "  const uint8_t *name = length > MAYDAY_NAME_MAX ?",
        to: `  if (length <= MAYDAY_NAME_MAX) {
    //@ split length;
    ;
  }
  const uint8_t *name = length > MAYDAY_NAME_MAX ?`,
      },
    ],
    plant: { file: "src/image/cbor.c", from: "length > cbor->left", to: "length > cbor->left + 1u" },
  },
  envelope: {
    sources: IMAGE,
    // A volatile read gives any byte, also to a bool.
    settings: [...SPLIT, "-eva-split-return", "full", "-no-warn-invalid-bool"],
    without: ["src/image/manifest.c"],
    plant: {
      file: "src/image/envelope.c",
      from: "bytes[EXTERNAL_AT] = 0x40",
      to: "bytes[length + SIGNED_TAIL] = 0x40",
    },
  },
  trust_store: {
    sources: IMAGE,
    settings: ["-eva-precision", "4"],
    plant: {
      file: "src/image/trust_store.c",
      from: "*count <= MAYDAY_TRUST_ENTRIES_MAX",
      to: "*count <= 9",
    },
  },
  tree: {
    sources: IMAGE,
    settings: SPLIT,
    plant: { file: "src/image/tree.c", from: "i < count", to: "i <= count" },
  },
  entry: {
    sources: FLASH,
    settings: ["-eva-precision", "4"],
    plant: { file: "src/flash/entry.c", from: "MAYDAY_ENTRY_AT_MORE, 4", to: "MAYDAY_ENTRY_AT_MORE, 9" },
  },
  record: {
    sources: FLASH,
    settings: ["-eva-precision", "3"],
    annotations: RECORD,
    plant: { file: "src/flash/ranges.c", from: "at < set->count", to: "at <= set->count" },
  },
  mailbox: {
    sources: MAILBOX,
    settings: ["-eva-precision", "2"],
    plant: { file: "src/i2c/mail_out.c", from: "to >= mail->size", to: "to > mail->size" },
  },
  target: {
    open: "no result within 4 minutes; a run that was stopped while the first frame was taken had 11 alarms, none of them closed or explained yet",
    sources: TARGET,
    // States of a session apart, and what is expensive and does not decide on them together.
    settings: [
      ...[
        "-eva-precision",
        "1",
        "-eva-slevel",
        "15",
        "-eva-split-return",
        "full",
        "-eva-split-limit",
        "1024",
      ],
      "-eva-slevel-function",
      [
        ...[
          "mayday_slot_leaf:0",
          "mayday_slot_hash:0",
          "mayday_crc32:0",
          "mayday_all_are:0",
          "mayday_flash_holds:0",
        ],
        ...[
          "write_fresh:0",
          "mayday_record_restart:0",
          "find_way_back:20",
          "check_slot:30",
          "mayday_image_check:60",
        ],
        ...[
          "load:60",
          "mayday_board_decide:30",
          "mayday_decision_take:6",
          "verify:8",
          "mayday_chunk_put:1500",
        ],
        ...["take_frame:100", "take_announcement:100", "mayday_fold:100", "main:300"],
      ].join(","),
    ],
    annotations: [
      ...RECORD,
      unrolled("src/image/tree.c", "  while (mayday_level_nodes(", 22),
      unrolled("src/image/tree.c", "  for (; before != 0 &&", 22),
      behind("src/image/tree.c", "  uint8_t parts[4][MAYDAY_HASH_LENGTH];\n", "split count"),
      unrolled("src/flash/ranges.c", "  for (; at < set->count; at++) swap", 13),
      unrolled("src/flash/ranges.c", "  for (; at > set->ranges &&", 13),
      unrolled("src/board/slot_hash.c", "  for (uint32_t i = 0; i < count; i++) {", 1),
      unrolled("src/session/say.c", "  for (; length > 0; length--, value", 4),
      {
        file: "src/session/objects.c",
        from: "  if (offset % MAYDAY_CHUNK_UNIT != 0 ||",
        to: `  if (offset >= whole) return false;
  //@ split offset;
  ;
  if (offset % MAYDAY_CHUNK_UNIT != 0 ||`,
      },
    ],
    plant: {
      file: "src/session/objects.c",
      from: "length > whole - offset)",
      to: "length > whole - offset + 32u)",
    },
  },
};
