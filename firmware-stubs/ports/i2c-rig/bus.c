#include "bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION 1u
#define KIND_WRITE 0u
#define KIND_READ 1u
#define HEADER 4u

bool bus_open(bus *bus, const char *path, mayday_mailbox *mailbox) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  bus->mailbox = mailbox;
  for (int i = 0; i < CONTROLLERS_MAX; i++) bus->controllers[i].fd = -1;
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "mayday-i2c-rig: %s is longer than %u bytes\n", path, (unsigned)sizeof address.sun_path - 1u);
    return false;
  }
  memcpy(address.sun_path, path, strlen(path) + 1u);
  (void)unlink(path);
  bus->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bus->fd >= 0 && bind(bus->fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(bus->fd, CONTROLLERS_MAX) == 0)
    return true;
  fprintf(stderr, "mayday-i2c-rig: cannot listen on %s: %s\n", path, strerror(errno));
  return false;
}

static void accept_controller(bus *bus) {
  int fd = accept(bus->fd, NULL, NULL);
  for (int i = 0; fd >= 0 && i < CONTROLLERS_MAX; i++) {
    if (bus->controllers[i].fd >= 0) continue;
    bus->controllers[i].fd = fd;
    bus->controllers[i].have = 0;
    return;
  }
  if (fd >= 0) close(fd);
}

static void leave(controller *controller) {
  close(controller->fd);
  controller->fd = -1;
}

/* As hardware that fetches a byte ahead, and that does not know how long a read will be. */
static void answer_read(mayday_mailbox *mailbox, uint8_t *bytes, uint16_t length) {
  mayday_mailbox_read_begin(mailbox, 0);
  for (uint16_t i = 0; i < length; i++) bytes[i] = mayday_mailbox_read_byte(mailbox);
  (void)mayday_mailbox_read_byte(mailbox);
  mayday_mailbox_end(mailbox, 1);
}

static bool answer_write(mayday_mailbox *mailbox, const uint8_t *bytes, uint16_t length) {
  bool is_taken = true;
  mayday_mailbox_write_begin(mailbox);
  for (uint16_t i = 0; i < length && is_taken; i++) is_taken = mayday_mailbox_write_byte(mailbox, bytes[i]);
  mayday_mailbox_end(mailbox, 0);
  return is_taken;
}

/* Sends all of it: the other side waits for it. */
static bool send_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    length -= (size_t)sent;
  }
  return true;
}

/* Answers whole requests. False: the controller is gone, or speaks otherwise. */
static bool answer(bus *bus, controller *controller) {
  for (;;) {
    const uint8_t *head = controller->bytes;
    if (controller->have < HEADER) return true;
    uint16_t length = (uint16_t)(head[2] | head[3] << 8);
    if (head[0] != VERSION || head[1] > KIND_READ || length > MAYDAY_TRANSACTION_MAX) return false;
    size_t request = HEADER + (head[1] == KIND_WRITE ? length : 0u);
    if (controller->have < request) return true;
    uint8_t reply[HEADER + MAYDAY_TRANSACTION_MAX] = {VERSION, 0, 0, 0};
    size_t reply_length = HEADER;
    if (head[1] == KIND_READ) {
      reply[2] = head[2];
      reply[3] = head[3];
      answer_read(bus->mailbox, reply + HEADER, length);
      reply_length += length;
    } else {
      reply[1] = answer_write(bus->mailbox, controller->bytes + HEADER, length) ? 0 : 1;
    }
    controller->have -= request;
    memmove(controller->bytes, controller->bytes + request, controller->have);
    if (!send_all(controller->fd, reply, reply_length)) return false;
  }
}

static bool receive(bus *bus, controller *controller) {
  ssize_t count = recv(controller->fd, controller->bytes + controller->have, sizeof controller->bytes - controller->have, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return false;
  controller->have += (size_t)count;
  return answer(bus, controller);
}

void bus_serve(bus *bus, uint32_t ms) {
  struct pollfd fds[1 + CONTROLLERS_MAX];
  fds[0] = (struct pollfd){.fd = bus->fd, .events = POLLIN};
  for (int i = 0; i < CONTROLLERS_MAX; i++) fds[1 + i] = (struct pollfd){.fd = bus->controllers[i].fd, .events = POLLIN};
  if (poll(fds, 1 + CONTROLLERS_MAX, ms > 1000u ? 1000 : (int)ms) <= 0) return;
  for (int i = 0; i < CONTROLLERS_MAX; i++) {
    if (fds[1 + i].revents != 0 && !receive(bus, &bus->controllers[i])) leave(&bus->controllers[i]);
  }
  if (fds[0].revents != 0) accept_controller(bus);
}
