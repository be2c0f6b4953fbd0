/* A peripheral's end of the I2C test rig (docs/i2c-rig.md): transactions come on a Unix socket. */
#ifndef I2C_RIG_BUS_H
#define I2C_RIG_BUS_H

#include "mayday/mailbox.h"

#define CONTROLLERS_MAX 8

typedef struct controller {
  int fd; /* -1: none */
  size_t have;
  uint8_t bytes[4u + MAYDAY_TRANSACTION_MAX];
} controller;

typedef struct bus {
  mayday_mailbox *mailbox;
  int fd;
  controller controllers[CONTROLLERS_MAX];
} bus;

/* `path`: the socket, BUS/0x42 for instance; that of a peripheral which died is replaced. False, with a message on stderr. */
bool bus_open(bus *bus, const char *path, mayday_mailbox *mailbox);

/* Waits for transactions for at most `ms`, and answers what came, each byte as the interrupt of I2C hardware would. */
void bus_serve(bus *bus, uint32_t ms);

#endif
