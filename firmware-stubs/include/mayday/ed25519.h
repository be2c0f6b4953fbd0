/* The strict check of Ed25519 signatures (PROTOCOL.md 8.4), with code of libsodium: fits mayday_port.verify. Built only where the
 * build has libsodium's source (cmake/libsodium.cmake); a port may have a check of its own instead, for instance of a secure
 * element, if it judges all of vectors/ed25519-strict.json right. */
#ifndef MAYDAY_ED25519_H
#define MAYDAY_ED25519_H

#include "mayday/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MAYDAY_SIGNATURE_RIGHT or MAYDAY_SIGNATURE_WRONG. S has to be below the group order, key and R canonical and not of small
 * order, and the equation is the one without cofactor. `context` is not looked at. Takes 3.6 KiB of stack at most on a
 * Cortex-M3; not constant in time, as nothing of it is secret. */
uint32_t mayday_ed25519_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                               size_t length);

#ifdef __cplusplus
}
#endif

#endif
