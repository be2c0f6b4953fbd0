/* Exchanges two names, as fast as it can, until its input closes; prints how often it did, every 50 times and then. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RENAME_EXCHANGE_FLAG 2

int main(int count, char **words) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    long done = 0;
    if (count != 3) return 2;
    puts("ready");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0) {
        if (syscall(SYS_renameat2, AT_FDCWD, words[1], AT_FDCWD, words[2], RENAME_EXCHANGE_FLAG) == 0 && ++done % 50 == 0) {
            printf("%ld\n", done);
            fflush(stdout);
        }
        usleep(20);
    }
    printf("%ld\n", done);
    return 0;
}
