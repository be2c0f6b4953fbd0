/* Both roles and the check of signatures, from an installed package. */
#include "mayday/ed25519.h"
#include "mayday/rescuer.h"
#include "mayday/target.h"

int main(void) {
  static mayday_target target;
  static mayday_rescuer rescuer;
  static const uint8_t zeros[64] = {0};
  bool is_right = mayday_ed25519_verify(NULL, zeros, zeros, zeros, 1) == MAYDAY_SIGNATURE_RIGHT;
  return is_right || mayday_rescuer_is_busy(&rescuer) || !mayday_target_is_quiet(&target);
}
