// What scripts/firmware/eva.mjs runs: for each entry point of this folder the sources that it needs, the settings that make Eva
// precise enough, what helps it in copies of the sources (`annotations`: a piece of text, and what stands there instead), and an
// error that it has to find (`plant`). `without`: sources that the entry point stands in for. `known`: alarms that are listed, by
// file and a part of what is said, how many there are of each (`count`, 1), and the reason why they are none. `open`: why it is not part of a run unless it is asked for
// by name.

const WIRE = /^src\/(wire\/(?!carried)|base\/crc)/;
const FEC = /^src\/fec\//;
const IMAGE = /^src\/(image|base)\//;
const BOARD = /^src\/(board\/|flash\/map|image\/tree|base\/bytes)/;
const FLASH = /^src\/(flash|base)\//;
const SESSION = /^src\/(link\/rtt|session\/(?!rescuer|walk|blocks|clock)|wire\/(runs|frame_write|layout))/;
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

/** What helps with the walk and the blocks of a session. */
const WALK = [
  {
    file: "src/session/walk.c",
    from: "  return (uint8_t)(((end_of(shape, step) - 1u) >> level) - *first + 1u);\n",
    to: `  uint8_t count = (uint8_t)(((end_of(shape, step) - 1u) >> level) - *first + 1u);
  //@ assert 1 <= count <= 16;
  return count;
`,
  },
  {
    file: "src/session/walk.c",
    from: "run + (size_t)(leaf - first) * MAYDAY_HASH_LENGTH);",
    to: "run + (size_t)apart * MAYDAY_HASH_LENGTH);",
  },
  {
    file: "src/session/walk.c",
    from: "  if (walk->is_uniform)\n    mayday_uniform_hash(writer->board->hash, &writer->shape, 0,",
    to: `  uint32_t apart = leaf - first;
  //@ assert walk->is_uniform || apart < 16;
  if (walk->is_uniform)
    mayday_uniform_hash(writer->board->hash, &writer->shape, 0,`,
  },
  behind("src/session/walk.c", "  if (walk->is_finished) return MAYDAY_WALK_GOES_ON;\n", "split walk->depth"),
  {
    file: "src/session/walk.c",
    from: "  if (step->is_compared) {\n    /* A child",
    to: "  //@ split count;\n  if (step->is_compared) {\n    /* A child",
  },
  {
    file: "src/session/walk.c",
    from: "  const uint8_t *of_child =",
    to: "  //@ assert child < count;\n  const uint8_t *of_child =",
  },
];

/** What helps with the chunks of blocks. */
const BLOCKS = [
  behind(
    "src/session/blocks.c",
    "  uint8_t count = 0;\n  uint32_t next = 0;\n  const mayday_open_block *block;\n",
    "dynamic_split count",
  ),
  {
    file: "src/session/objects.c",
    from: "  if (offset % MAYDAY_CHUNK_UNIT != 0 ||",
    to: `  if (offset >= whole) return false;
  if (offset % MAYDAY_CHUNK_UNIT != 0) return false;
  //@ split offset;
  ;
  if (offset % MAYDAY_CHUNK_UNIT != 0 ||`,
  },
];

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
        from: "  while (from->left > 0) {\n    const uint8_t *head, *value;\n    if (!mayday_take(from, 2, &head) || ",
        to: `  //@ dynamic_split from->left;
  while (from->left > 0) {
    const uint8_t *head, *value;
    if (!mayday_take(from, 2, &head)) return false;
    //@ split head[1];
    if (`,
      },
    ],
    plant: { file: "src/wire/reader.h", from: "length > from->left", to: "length > from->left + 1u" },
  },
  carried: {
    sources: /^src\/wire\/carried/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "0", "-eva-split-limit", "300", "-no-warn-invalid-bool"],
      ...["-eva-slevel-function", "main:5"],
    ],
    annotations: [behind("src/wire/carried_call.c", "  size_t at = QUERY_LENGTH;\n", "dynamic_split at")],
    plant: { file: "src/wire/carried_call.c", from: "<= end - at - 2u", to: "<= end - at" },
  },
  codec: {
    sources: FEC,
    without: ["src/fec/hunter.c"],
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "40", "-eva-auto-loop-unroll", "40", "-eva-plevel", "300"],
      ...[
        "-eva-split-return-function",
        "mayday_coded_read:0,mayday_golay_decode:65535",
        "-eva-split-limit",
        "40",
      ],
    ],
    annotations: [
      behind(
        "src/fec/reed_solomon.c",
        "    const unsigned longer = 2u * length > n ? length : n + 1u - length;\n",
        "split gap",
      ),
      behind("src/fec/reed_solomon.c", "  if (degree == 0) return MAYDAY_UNMENDED;\n", "split degree"),
    ],
    plant: { file: "src/fec/reed_solomon.c", from: "i < length", to: "i <= length" },
  },
  hunter: {
    sources: /^src\/fec\/hunter/,
    settings: [
      ...[
        "-eva-precision",
        "0",
        "-eva-slevel",
        "100000",
        "-eva-split-return",
        "full",
        "-no-warn-invalid-bool",
      ],
      ...["-eva-interprocedural-splits", "-eva-split-limit", "30"],
    ],
    annotations: [
      // Eva asks for a byte to read also where none is moved.
      {
        file: "src/fec/hunter.c",
        from: "  memmove(hunter->held,",
        to: "  if (hunter->length > 0) memmove(hunter->held,",
      },
    ],
    plant: {
      file: "src/fec/hunter.c",
      from: "(size_t)(hunter->length - from)",
      to: "(size_t)(hunter->length - from) + 1u",
    },
  },
  hearing: {
    sources: /^src\/(session\/hearing|link\/forms)\./,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "20", "-eva-auto-loop-unroll", "16", "-no-warn-invalid-bool"],
      ...["-eva-slevel-function", "everything:2,anything:0"],
    ],
    known: [
      {
        file: "src/link/forms.c",
        what: "division by zero",
        why: "the divisor is 700 at first, and each step of note takes a sixteenth of it at most and adds one byte at least",
      },
    ],
    plant: { file: "src/link/forms.c", from: "i + 4u <= length", to: "i + 3u <= length" },
  },
  wants: {
    sources: /^src\/session\/rescuer_wants/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "0", "-eva-min-loop-unroll", "14", "-no-warn-invalid-bool"],
      ...[
        "-eva-split-return-function",
        "granted_at:0",
        "-eva-slevel-function",
        "granted_at:100,number_of:100",
      ],
      ...["-eva-partition-history", "1", "-eva-ilevel", "16"],
    ],
    known: [
      {
        file: "src/session/rescuer_wants.c",
        what: "\\initialized(&wish.block)",
        count: 3,
        why: "granted_at writes all of a wish where it returns true, and the loops end where it returns false",
      },
      {
        file: "src/session/rescuer_wants.c",
        what: "\\initialized(&wish.attempt)",
        count: 3,
        why: "as its block",
      },
      {
        file: "src/session/rescuer_wants.c",
        what: "\\initialized(&wish->codecs)",
        why: "as its block",
      },
    ],
    plant: {
      file: "src/session/rescuer_wants.c",
      from: "mayday_least32(total, rescuer->open_blocks)",
      to: "mayday_least32(total, GRANTED_MAX + 2u)",
    },
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
  journal: {
    sources: FLASH,
    without: ["src/flash/record_scan.c"],
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "4", "-eva-split-limit", "1024", "-no-warn-invalid-bool"],
      "-eva-split-return-function",
      "place_of:0,mayday_record_place:0,mayday_record_blank_place:0,erase:0",
      "-eva-slevel-function",
      [
        ...["main:4", "start:2", "anything:0", "append:0", "mayday_map_build:20", "mayday_flash_holds:900"],
        ...[
          "insert:300",
          "erase_at:300",
          "mayday_ranges_add:60",
          "mayday_ranges_remove:60",
          "join_nearest:60",
        ],
      ].join(","),
    ],
    annotations: [
      ...RECORD,
      behind("src/flash/area.c", "  uint8_t unit[MAYDAY_WRITE_UNIT_MAX];\n", "split length"),
      // A length from 1 on: whole pieces before the last one, which is looked at length by length.
      behind("src/flash/flash.c", "  uint8_t piece[PIECE];\n", "split (length - 1u) / 64u"),
      behind("src/flash/flash.c", "(size_t)(length - done) : PIECE;\n", "split count"),
      behind("src/flash/ranges.c", "mayday_sector_number last) {\n", "split set->count"),
      behind("src/flash/ranges.c", "unsigned at) {\n", "split set->count", "split at"),
    ],
    plant: {
      file: "src/flash/area.c",
      from: "length > MAYDAY_ENVELOPE_MAX",
      to: "length > MAYDAY_ENVELOPE_MAX + 1u",
    },
  },
  guard: {
    sources: /^src\/(linkkey\/|base\/hmac)/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "60", "-eva-auto-loop-unroll", "70", "-no-warn-invalid-bool"],
      ...["-eva-slevel-function", "everything:300", "-eva-split-return-function", "mayday_guard_is_usable:0"],
    ],
    annotations: [
      {
        file: "src/linkkey/guard.c",
        from: "  return prove(target, &pairing, kind == MAYDAY_ACCEPT",
        to: "  //@ assert pairing.call_digest != \\null;\n  return prove(target, &pairing, kind == MAYDAY_ACCEPT",
      },
      {
        file: "src/linkkey/guard.c",
        from: "  memcpy(guard->target_nonce, pairing",
        to: "  //@ assert pairing.call_digest != \\null;\n  memcpy(guard->target_nonce, pairing",
      },
    ],
    known: [
      {
        file: "src/linkkey/guard.c",
        what: "assertion got status unknown",
        count: 2,
        why: "assertions of entries.mjs. An offer is answered with a proof, and begins a session, only behind mayday_guard_judge, which found its call; a refusal for link-key is protected as a query, so without a proof. No call is noted in between",
      },
      {
        file: "src/linkkey/seal.c",
        what: "0 ≤ (uint32_t)(seal->highest - counter) < 64",
        why: "is_new has refused each counter that is 64 or more below the highest one, and the check of the MAC in between changes neither",
      },
    ],
    plant: {
      file: "src/linkkey/seal.c",
      from: "length <= MAYDAY_SEAL_LENGTH",
      to: "length < MAYDAY_SEAL_LENGTH - 1u",
    },
  },
  mailbox: {
    sources: MAILBOX,
    settings: ["-eva-precision", "2"],
    plant: { file: "src/i2c/mail_out.c", from: "to >= mail->size", to: "to > mail->size" },
  },
  acks: {
    sources: /^src\/link\/acks/,
    settings: ["-eva-precision", "1"],
    plant: { file: "src/link/acks.c", from: "back < MAYDAY_ACK_REACH ? back / 8u : 0", to: "back / 8u" },
  },
  outbox: {
    sources: /^src\/link\/outbox/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "0", "-eva-split-limit", "256", "-no-warn-invalid-bool"],
      ...["-eva-slevel-function", "main:50,send:20,mayday_outbox_send_coded:400"],
    ],
    annotations: [
      behind("src/link/outbox.c", "    size_t piece = 0;\n", "dynamic_split at", "dynamic_split piece"),
      {
        file: "src/link/outbox.c",
        from: "    size_t stretch = (size_t)(MAYDAY_TX_BYTES - outbox->first);\n",
        to: `    //@ dynamic_split outbox->first;
    size_t stretch = (size_t)(MAYDAY_TX_BYTES - outbox->first);
`,
      },
      // Stood in for where frames are put in, and followed alone.
      { file: "src/link/outbox.c", from: "void mayday_outbox_drain(", to: "void outbox_drain(" },
    ],
    plant: { file: "src/link/outbox.c", from: "at < MAYDAY_TX_BYTES ?", to: "at <= MAYDAY_TX_BYTES ?" },
  },
  clock: {
    sources: /^src\/session\/clock/,
    settings: ["-eva-precision", "1", "-eva-auto-loop-unroll", "16"],
    plant: { file: "src/session/clock.c", from: "at < end", to: "at <= end + sizeof(mayday_target)" },
  },
  walk: {
    sources: /^src\/session\/walk/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "40", "-eva-auto-loop-unroll", "6", "-eva-split-limit", "32"],
      ...["-eva-slevel-function", "main:8", "-no-warn-invalid-bool"],
    ],
    annotations: WALK,
    known: [
      {
        file: "src/session/walk.c",
        what: "0 ≤ (int)((int)step->level - (int)level) < 32",
        why: "run_of is asked for the run of a leaf by nobody: a walk that begins at one has its run, and no step below the root has level 0",
      },
      {
        file: "src/session/walk.c",
        what: "0 ≤ (int)level < 32",
        why: "mark_dirty asks with the run_level of a step only where that lists nodes, and count is 0 for a step of level 0",
      },
      {
        file: "src/session/walk.c",
        what: "assertion got status unknown",
        count: 3,
        why: "assertions of entries.mjs. A run lists 1 to 16 nodes, as run_level is at most 4 levels below and the step lies in the tree. `apart` is below 16, as end_of is (index + 1) << level at most, and level 4 at most without is_uniform. `child` is below `count`: it is 0 for a new step, and at count the step is compared, and its loop ends below count or returns",
      },
    ],
    plant: { file: "src/session/walk.c", from: "walk->depth == 0 ||", to: "" },
  },
  blocks: {
    sources: /^src\/session\/(blocks|objects)/,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "60", "-eva-split-limit", "64"],
      ...["-no-warn-invalid-bool"],
    ],
    annotations: BLOCKS,
    plant: {
      file: "src/session/objects.c",
      from: "length > whole - offset)",
      to: "length > whole - offset + 128u)",
    },
  },
  session: {
    sources: SESSION,
    without: ["src/session/hearing.c"],
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "40", "-eva-auto-loop-unroll", "16"],
      ...["-eva-split-return-function", "mayday_target_init:0", "-no-warn-invalid-bool"],
      ...["-eva-slevel-function", "main:2,anything:0"],
    ],
    annotations: [
      unrolled("src/session/say.c", "  for (; length > 0; length--, value", 6),
      // Stood in for.
      { file: "src/session/objects.c", from: "bool mayday_chunk_put(", to: "static bool chunk_put(" },
    ],
    known: [
      {
        file: "tests/eva/session.c",
        what: "assertion got status unknown",
        why: "states other than NONE begin with mayday_session_begin only, which gives both objects their memory before it returns",
      },
      {
        file: "tests/eva/session_parts.h",
        what: "assertion got status unknown",
        why: "an object without memory, so before the first session: then the tag is 0, under which mayday_frame_parse and mayday_guard_parse take no frame of a session; the stand-in gives one under any tag",
      },
    ],
    plant: {
      file: "src/session/objects.c",
      from: "total > buffer->room",
      to: "total > buffer->room + 520u",
    },
  },
  board: {
    sources: BOARD,
    settings: [
      ...["-eva-precision", "0", "-eva-slevel", "2", "-eva-split-limit", "1024", "-no-warn-invalid-bool"],
      "-eva-split-return-function",
      [
        ...["check_slot:0", "mayday_image_check:0", "load:0", "verify:0", "mayday_slot_hash:0"],
        ...["mayday_slot_leaf:0", "mayday_ranges_add:0", "mayday_area_sector:0"],
      ].join(","),
      "-eva-slevel-function",
      [
        ...[
          "main:4",
          "anything:0",
          "start:2",
          "mayday_root_level:30",
          "mayday_board_decide:40",
          "check_slot:20",
        ],
        ...["mayday_image_check:20", "load:20", "verify:20", "commit:20", "mayday_map_build:20", "fits:40"],
      ].join(","),
    ],
    annotations: [
      // Stood in for.
      { file: "src/image/tree.c", from: "void mayday_fold_next(", to: "static void fold_next(" },
      // Whether a node is the last one, looked at where the number of nodes is known.
      {
        file: "src/board/slot_hash.c",
        from: "    mayday_fold_next(board->hash, hashes, i, i + 1u == count, out);",
        to: `    if (i + 1u < count) mayday_fold_next(board->hash, hashes, i, false, out);
    else mayday_fold_next(board->hash, hashes, i, true, out);`,
      },
      behind("src/board/writer_write.c", "length - at, sizeof old);\n", "split count"),
      {
        file: "src/board/writer_write.c",
        from: "  uint32_t unit_mask = ",
        to: "  //@ split length;\n  uint32_t unit_mask = ",
      },
      // Eva asks for a byte to write also where none is filled up.
      {
        file: "src/board/writer_write.c",
        from: "  memset(block + length, board->layout->erased, (size_t)(whole - length));\n",
        to: `  if (whole > length) memset(block + length, board->layout->erased, (size_t)(whole - length));
  //@ merge length;
  ;
`,
      },
    ],
    plant: { file: "src/board/writer_write.c", from: "at + i]", to: "at + i + 1u]" },
  },
};

/** Sources that no entry point follows yet, and why. A source that is neither here nor there is an error of `eva.mjs --files`. */
export const UNFOLLOWED = [
  {
    files:
      /^src\/(session\/rescuer(?!_wants)|link\/(damage|form_sizer|mute|outgoing|pacing|sender|sender_forms|sizer)\.)/,
    why: "the rescuer's machine: it runs where there is memory to spare; what it reads frames with is followed",
  },
];
