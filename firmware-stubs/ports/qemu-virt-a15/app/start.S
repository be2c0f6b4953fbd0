/* The mark behind the first instruction says that this may be started in the slot (machine.h). */
  .syntax unified
  .arm
  .section .vectors, "ax"
  .global app
app:
  b start
  .word 0x5041444d
start:
  ldr sp, =0x41000000
  bl app_main
  b .

  .global machine_reset
  .type machine_reset, %function
machine_reset:
  .arch_extension virt
  ldr r0, =0x84000009
  hvc #0
  b .
