/* Vectors, and memory before main. Caches and MMU stay off: nothing may be read or written unaligned. */
  .syntax unified
  .arm
  .section .vectors, "ax"
  .global vectors
vectors:
  b reset
  b .
  b .
  b .
  b .
  b .
  b .
  b .

  .text
  .type reset, %function
reset:
  ldr sp, =link_stack_end
  ldr r0, =link_data
  ldr r1, =link_data_load
  ldr r2, =link_data_end
1:
  cmp r0, r2
  ldrlo r3, [r1], #4
  strlo r3, [r0], #4
  blo 1b
  ldr r0, =link_bss
  ldr r2, =link_bss_end
  mov r3, #0
2:
  cmp r0, r2
  strlo r3, [r0], #4
  blo 2b
  bl main
  b .

  .global machine_jump
  .type machine_jump, %function
machine_jump:
  bx r0

/* SYSTEM_RESET of Arm's PSCI. */
  .global machine_reset
  .type machine_reset, %function
machine_reset:
  .arch_extension virt
  ldr r0, =0x84000009
  hvc #0
  b .
