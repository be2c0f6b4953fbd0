/* Milliseconds from SysTick, without its interrupt: asked at least once in 1.3 s, or time is lost. */
#include "machine.h"

#define SYST_CSR (*(volatile uint32_t *)0xe000e010u)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014u)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018u)

#define CSR_ENABLED 1u
#define CSR_PROCESSOR_CLOCK 4u
#define COUNT_MAX 0xffffffu
#define TICKS_A_MS 12500u /* the clock out of reset: 12.5 MHz */

static uint32_t last, rest, now;

void clock_init(void) {
  SYST_CSR = CSR_PROCESSOR_CLOCK;
  SYST_RVR = COUNT_MAX;
  SYST_CVR = 0;
  SYST_CSR = CSR_PROCESSOR_CLOCK | CSR_ENABLED;
  last = SYST_CVR;
}

uint32_t clock_now_ms(void *context) {
  (void)context;
  uint32_t count = SYST_CVR;
  /* It counts down. */
  rest += (last - count) & COUNT_MAX;
  last = count;
  now += rest / TICKS_A_MS;
  rest %= TICKS_A_MS;
  return now;
}
