# Every C source, by what uses it. scripts/firmware/ reads these lists, too: one path a line, no variables. A test compares them
# with the files that there are.

# Both roles.
set(MAYDAY_COMMON_SOURCES
  src/base/crc.c
  src/base/hmac.c
  src/base/sha256.c
  src/image/cbor.c
  src/image/envelope.c
  src/image/key_point.c
  src/image/manifest.c
  src/image/names.c
  src/image/ring.c
  src/image/tree.c
  src/link/outbox.c
  src/link/rtt.c
  src/wire/cobs.c
  src/wire/frame_read.c
  src/wire/frame_write.c
  src/wire/layout.c
  src/wire/message_read.c
  src/wire/runs.c
)

# A board and the target that heals it.
set(MAYDAY_TARGET_SOURCES
  src/board/board.c
  src/board/confirm.c
  src/board/decide.c
  src/board/judge.c
  src/board/place.c
  src/board/slot_hash.c
  src/board/status.c
  src/board/unit.c
  src/board/writer.c
  src/board/writer_begin.c
  src/board/writer_commit.c
  src/board/writer_write.c
  src/flash/area.c
  src/flash/entry.c
  src/flash/flash.c
  src/flash/map.c
  src/flash/ranges.c
  src/flash/record.c
  src/flash/record_places.c
  src/flash/record_scan.c
  src/flash/record_state.c
  src/i2c/mail_in.c
  src/i2c/mail_out.c
  src/i2c/mailbox.c
  src/image/trust_store.c
  src/link/acks.c
  src/linkkey/guard.c
  src/linkkey/handshakes.c
  src/session/blocks.c
  src/session/calls.c
  src/session/checking.c
  src/session/clock.c
  src/session/hearing.c
  src/session/objects.c
  src/session/receiving.c
  src/session/say.c
  src/session/session.c
  src/session/target.c
  src/session/walk.c
)

# A node that holds an image and heals its neighbour.
set(MAYDAY_RESCUER_SOURCES
  src/link/damage.c
  src/link/form_sizer.c
  src/link/mute.c
  src/link/outgoing.c
  src/link/pacing.c
  src/link/sender.c
  src/link/sender_forms.c
  src/link/sizer.c
  src/session/rescuer.c
  src/session/rescuer_budget.c
  src/session/rescuer_forms.c
  src/session/rescuer_handshake.c
  src/session/rescuer_hearing.c
  src/session/rescuer_making.c
  src/session/rescuer_serving.c
  src/session/rescuer_wants.c
  src/wire/carried_call.c
)

# With MAYDAY_WITH_LINK_KEY.
set(MAYDAY_LINK_KEY_SOURCES
  src/linkkey/keys.c
  src/linkkey/mac.c
  src/linkkey/seal.c
)

# With MAYDAY_WITH_FEC.
set(MAYDAY_FEC_SOURCES
  src/fec/coded.c
  src/fec/galois.c
  src/fec/golay.c
  src/fec/hunter.c
  src/fec/reed_solomon.c
  src/link/forms.c
)

# The program mayday-posix.
set(MAYDAY_POSIX_SOURCES
  ports/posix/flash_file.c
  ports/posix/image_file.c
  ports/posix/main.c
  ports/posix/names.c
  ports/posix/options.c
  ports/posix/pem.c
  ports/posix/rescuer.c
  ports/posix/serial.c
  ports/posix/target.c
)
