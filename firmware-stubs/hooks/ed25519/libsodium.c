/* The part of libsodium 1.0.18 that checks signatures, in one unit: its files are found in the include path
 * (cmake/libsodium.cmake), and nothing of them is in this repository. What they define and nobody calls has to be dropped by
 * the linker (-ffunction-sections -fdata-sections -Wl,--gc-sections): a base table of 24 KiB, among others. */
#define CONFIGURED 1
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_LITTLE_ENDIAN 1
#endif

#include "names.h"

#include "private/ed25519_ref10.h"

/* Its square, and its doubled one, take 1 KiB each, and save a tenth of the instructions of a check: products do it, too. The
 * limbs of 2 f are within what a product takes, as f is one. */
#define fe25519_sq(h, f) fe25519_mul(h, f, f)
#define fe25519_sq2(h, f) mayday_sq2(h, f)
static void mayday_sq2(fe25519 h, const fe25519 f) {
  fe25519 twice;
  fe25519_add(twice, f, f);
  fe25519_mul(h, f, twice);
}

/* Its reduction takes 4.7 KiB. It keeps this name and is not called. */
#define sc25519_reduce mayday_sodium_sc_reduce
#include "crypto_core/ed25519/ref10/ed25519_ref10.c"
#undef sc25519_reduce

#include "crypto_verify/sodium/verify.c"

#define sc25519_reduce mayday_ed25519_reduce
void mayday_ed25519_reduce(unsigned char number[64]);
#include "crypto_sign/ed25519/ref10/open.c"
