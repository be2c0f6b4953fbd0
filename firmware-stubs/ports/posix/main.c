/* mayday-posix: the C side of mayday as a program. */
#include "posix.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

volatile sig_atomic_t is_interrupted;

static void interrupt(int signal) {
  (void)signal;
  is_interrupted = 1;
}

void catch_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupt;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

uint32_t clock_ms(void *context) {
  struct timespec now;
  (void)context;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}

bool random_fill(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool is_full = read(fd, bytes, length) == (ssize_t)length;
  close(fd);
  return is_full;
}

static void help(FILE *out) {
  fputs("mayday-posix COMMAND: boards that heal one another over a UART, in one static program\n"
        "\n"
        "  target   calls for help on a serial port until its flash file holds a firmware that boots\n"
        "             --port PATH [--baud N] --flash FILE --slot SIZE [--layout single|ab]\n"
        "             --hardware [VENDOR/]CLASS --trust PUB.pem... [--timeout SECONDS]\n"
        "  rescuer  heals the board at the other end with one image file\n"
        "             --port PATH [--baud N] --image FILE.mdy [--once] [--timeout SECONDS]\n"
        "  read     writes the firmware that boots to a file\n"
        "             --flash FILE --slot SIZE [--layout single|ab] --hardware [VENDOR/]CLASS --trust PUB.pem... --out FILE\n"
        "\n"
        "The flash file is made when it is absent. SIZE is bytes, or 64K, 4M. --timeout is time without progress.\n"
        "Images and keys are made by `mayday image build` and `mayday keygen`.\n"
        "Exit codes: 0 done, 1 failed, 2 usage, 3 timeout, 4 refused, 5 nothing boots, 6 port, 130 interrupted.\n",
        out);
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      help(stdout);
      return EXIT_DONE;
    }
  }
  if (strcmp(command, "target") == 0) return command_target(argc - 2, argv + 2);
  if (strcmp(command, "read") == 0) return command_read(argc - 2, argv + 2);
  if (strcmp(command, "rescuer") == 0) return command_rescuer(argc - 2, argv + 2);
  if (*command != 0) fprintf(stderr, "mayday-posix: there is no command %s\n", command);
  help(stderr);
  return EXIT_USAGE;
}
