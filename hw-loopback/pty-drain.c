/*
 * A pseudo terminal has no transmitter, so tcdrain() on one returns at once, and what was written just before may still
 * wait to be read. A program that drains and then flushes both queues (lrzsz does so at its end) loses its last bytes there;
 * on a UART, where draining waits until they have left, it loses nothing.
 *
 * Preloaded, this library makes a flush of both queues that follows a drain one of the input alone, which is what it comes
 * to on a UART. All other flushes stay as they are.
 *
 * Linux only. Build: cc -std=c99 -O2 -shared -fPIC pty-drain.c
 */
#define _GNU_SOURCE
#include <asm/termbits.h> /* TCIFLUSH, TCIOFLUSH */
#include <asm/ioctls.h>   /* TCSBRK, TCFLSH */
#include <stdbool.h>
#include <sys/ioctl.h>

int tcdrain(int fd);
int tcflush(int fd, int queue);

static bool drained;

int tcdrain(int fd) {
    drained = true;
    return ioctl(fd, TCSBRK, 1);
}

int tcflush(int fd, int queue) {
    if (drained && queue == TCIOFLUSH) queue = TCIFLUSH;
    drained = false;
    return ioctl(fd, TCFLSH, queue);
}
