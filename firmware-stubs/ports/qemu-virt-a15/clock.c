/* Milliseconds from the generic timer. */
#include "machine.h"

uint32_t clock_now_ms(void *context) {
  uint32_t frequency, low, high;
  (void)context;
  __asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(frequency));
  __asm__ volatile("mrrc p15, 1, %0, %1, c14" : "=r"(low), "=r"(high));
  return (uint32_t)(((uint64_t)high << 32 | low) / (frequency / 1000u) & UINT32_MAX);
}
