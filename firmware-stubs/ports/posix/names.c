/* Names of the codes of PROTOCOL.md, and what to do about them. */
#include "mayday/constants.h"
#include "posix.h"

const char *refusal_name(uint8_t code) {
  switch (code) {
    case MAYDAY_REFUSAL_CODE_SIGNATURE: return "signature: another key signed it, or none that the board trusts";
    case MAYDAY_REFUSAL_CODE_UNSIGNED: return "unsigned: sign it, image build --key";
    case MAYDAY_REFUSAL_CODE_HARDWARE: return "hardware: it is made for another board, --hardware";
    case MAYDAY_REFUSAL_CODE_VERSION: return "version: it is not newer than what the board has";
    case MAYDAY_REFUSAL_CODE_COUNTER: return "counter: its security counter does not fit the board's floor";
    case MAYDAY_REFUSAL_CODE_SIZE: return "size: it does not fit the slot, --slot";
    case MAYDAY_REFUSAL_CODE_BLOCK_SIZE: return "block-size: its blocks are larger than the board can buffer";
    case MAYDAY_REFUSAL_CODE_ROLE: return "role: it is not an application image, or its key may not sign those";
    case MAYDAY_REFUSAL_CODE_MANIFEST: return "manifest: it is damaged, or of a format that this version does not know";
    case MAYDAY_REFUSAL_CODE_HEALTHY: return "healthy: the board boots";
    case MAYDAY_REFUSAL_CODE_QUARANTINED: return "quarantined: it failed to confirm too often";
    case MAYDAY_REFUSAL_CODE_PROTOCOL: return "protocol: the neighbour speaks another version";
    case MAYDAY_REFUSAL_CODE_FLASH: return "flash: it could not be erased or programmed";
    case MAYDAY_REFUSAL_CODE_LINK_KEY: return "link-key: one side has no link key, or another one";
    default: return "unknown";
  }
}

const char *failure_name(uint8_t code) {
  static const char *const NAMES[] = {"boots",    "empty",   "receiving", "hash",    "signature",
                                      "manifest", "counter", "hardware",  "reverted"};
  return code < sizeof NAMES / sizeof NAMES[0] ? NAMES[code] : "unknown";
}
