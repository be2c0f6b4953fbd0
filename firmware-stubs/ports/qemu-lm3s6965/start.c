/* Vector table, memory before main, and the stack's paint. */
#include "machine.h"

#include <string.h>

#define PAINT 0xa5a5a5a5u
#define VTOR (*(volatile uint32_t *)0xe000ed08u)
#define AIRCR (*(volatile uint32_t *)0xe000ed0cu)

/* Of the linker script. */
extern uint32_t link_data_load[], link_data[], link_data_end[], link_bss[], link_bss_end[], link_stack[], link_stack_end[];

int main(void);
void reset_handler(void);

static void stop(void) {
  for (;;) {
  }
}

typedef void handler(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler *reset, *others[14];
} vectors = {link_stack_end, reset_handler, {stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop}};

/* Has no variables of its own below the paint: it stops well before the stack pointer. */
void reset_handler(void) {
  uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 16;
  for (uint32_t *at = link_stack; at < here; at++) *at = PAINT;
  memcpy(link_data, link_data_load, (size_t)((uint8_t *)link_data_end - (uint8_t *)link_data));
  memset(link_bss, 0, (size_t)((uint8_t *)link_bss_end - (uint8_t *)link_bss));
  main();
  stop();
}

uint32_t stack_used(void) {
  const uint32_t *at = link_stack;
  while (at < link_stack_end && *at == PAINT) at++;
  return (uint32_t)((const uint8_t *)link_stack_end - (const uint8_t *)at);
}

uint32_t stack_size(void) {
  return (uint32_t)((const uint8_t *)link_stack_end - (const uint8_t *)link_stack);
}

void machine_jump(uint32_t base) {
  const volatile uint32_t *image = (const volatile uint32_t *)(uintptr_t)base;
  VTOR = base;
  __asm__ volatile("msr msp, %0\n bx %1" ::"r"(image[0]), "r"(image[1]) : "memory");
  stop();
}

void machine_reset(void) {
  AIRCR = 0x05fa0004u;
  stop();
}
