/*
 * The kernel's side of /dev/i2c-N for programs that start with this library in LD_PRELOAD: the compiled i2c-bus addon
 * and i2c-tools run unchanged against virtual peripherals (docs/i2c-rig.md).
 *
 * Bus N is the directory $MAYDAY_I2C_DIR/i2c-N. A peripheral listens there, on the Unix socket named after its address
 * (0x42). Messages of a transaction pass one by one; numbers are little-endian:
 *
 *   request   version 1, kind (0 write, 1 read), length (2), the bytes of a write
 *   answer    version 1, 0 acknowledged or 1 not, length (2), the bytes of a read: as many as were asked for
 *
 * The program's descriptor is that of the directory, whose lock keeps other processes off the bus during a transaction,
 * as the kernel's adapter lock does. Not for programs that share an open bus over a fork.
 *
 * Linux with glibc, little-endian. Build: cc -std=gnu11 -O2 -shared -fPIC i2c-shim.c -ldl -lpthread
 */
#undef _FORTIFY_SOURCE /* would make open and read inline functions, which cannot be defined again */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION 1
#define HEADER 4
#define MESSAGE_MAX 8192 /* i2c-dev cuts read and write there without a word, and refuses longer messages */
#define FDS_MAX 1024
#define ADDRESSES 128
#define STRETCH_MS 3000 /* adapters give up within a second; a peripheral that is a process may be slower */
#define AT_MAX 16
#define FAIL(error) (errno = (error), -1)

/* libc's own definition of a function that is replaced here. */
#define LIBC(name)                                                                                                     \
    ({                                                                                                                 \
        static __typeof__(&name) found;                                                                                \
        if (found == NULL) found = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                         \
        found;                                                                                                         \
    })

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

enum kind { NONE, NACK, CORRUPT, TIMEOUT, SHORT, LOST, KINDS };
static const char *const kind_names[KINDS] = {"", "nack", "corrupt", "timeout", "short", "lost"};

/* What a failure is called depends on the driver. Stretched for too long: ETIMEDOUT; arbitration lost: EAGAIN. */
static const struct driver {
    const char *name;
    int address_nack, data_nack, stuck;
} drivers[] = {
    {"", ENXIO, EREMOTEIO, EBUSY},                   /* as the kernel's fault-codes.rst has it; stuck: i2c-stm32f7 */
    {"bcm2835", EREMOTEIO, EREMOTEIO, ETIMEDOUT},    /* Raspberry Pi up to 4 */
    {"designware", EREMOTEIO, EREMOTEIO, ETIMEDOUT}, /* Raspberry Pi 5 */
    {"gpio", ENXIO, EIO, ETIMEDOUT},                 /* i2c-gpio, by way of i2c-algo-bit */
};
#define DRIVERS (sizeof drivers / sizeof drivers[0])

/*
 * What happens to byte i is a function of the seed and i alone. Bytes are counted over all buses from the process's
 * start: each message's address byte, then its data, and also those that a fault kept off the bus.
 */
static struct {
    const struct driver *driver;
    uint64_t seed, stuck_from, stuck_count; /* stuck: in transactions */
    double rate[KINDS];                     /* nack, corrupt: of a byte; the others: of a message */
    struct { uint64_t byte; enum kind kind; } at[AT_MAX];
    size_t at_count;
} plan = {.driver = &drivers[0]};
static _Atomic uint64_t bytes, transactions, faults;

/* Splitmix64 (Steele, Lea and Flood 2014) as a hash. */
static uint64_t hash(uint64_t stream, uint64_t index)
{
    uint64_t z = plan.seed * 2 * KINDS + stream + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool strikes(enum kind kind, uint64_t index)
{
    return plan.rate[kind] > 0 && (double)(hash(kind, index) >> 11) * 0x1p-53 < plan.rate[kind];
}

static bool is_planned(enum kind kind, uint64_t byte)
{
    for (size_t i = 0; i < plan.at_count; i++) {
        if (plan.at[i].byte == byte && plan.at[i].kind == kind) return true;
    }
    return (kind == NACK || kind == CORRUPT) && strikes(kind, byte);
}

/* Which fault ends the message whose address byte is number `first`, and at which of its bytes; 0: the address. */
static enum kind message_end(uint64_t first, size_t length, bool is_read, size_t *byte)
{
    for (size_t i = 0; i <= length; i++) {
        *byte = i;
        if (i == 0 && is_planned(CORRUPT, first)) return NACK; /* another address was called: nobody answers */
        for (enum kind kind = NACK; kind < KINDS; kind++) {
            if (kind == CORRUPT || (kind == SHORT && (i == 0 || !is_read))) continue;
            if (kind == NACK && i > 0 && is_read) continue; /* those the controller acknowledges itself */
            if (is_planned(kind, first + i)) return kind;
            if (kind > CORRUPT && strikes(kind, first) && hash(KINDS + kind, first) % (length + 1) == i) return kind;
        }
    }
    return NONE;
}

/* Flips a bit of each byte that is to be corrupted. `first` is the number of the first one. */
static void corrupt(uint8_t *data, size_t length, uint64_t first)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_planned(CORRUPT, first + i)) continue;
        data[i] ^= (uint8_t)(1u << (hash(KINDS + CORRUPT, first + i) & 7));
        faults++;
    }
}

static enum kind kind_named(const char *name)
{
    enum kind kind = KINDS - 1;
    while (kind != NONE && strcmp(kind_names[kind], name) != 0) kind--;
    return kind;
}

/* Whether a setting such as seed=7, stuck=10:3, at=4711:nack, corrupt=1e-4 is understood. */
static bool read_setting(const char *item)
{
    char name[16];
    uint64_t number, count;
    double rate;
    int end = -1;
    if (sscanf(item, "seed=%" SCNu64 "%n", &plan.seed, &end) == 1 && end > 0) return item[end] == '\0';
    if (sscanf(item, "stuck=%" SCNu64 ":%" SCNu64 "%n", &number, &count, &end) == 2) {
        plan.stuck_from = number;
        plan.stuck_count = count;
        return item[end] == '\0';
    }
    if (sscanf(item, "at=%" SCNu64 ":%15[a-z]%n", &number, name, &end) == 2 && plan.at_count < AT_MAX) {
        plan.at[plan.at_count].byte = number;
        plan.at[plan.at_count].kind = kind_named(name);
        return plan.at[plan.at_count++].kind != NONE && item[end] == '\0';
    }
    if (sscanf(item, "%15[a-z]=%lf%n", name, &rate, &end) != 2 || !(rate >= 0 && rate <= 1)) return false;
    plan.rate[kind_named(name)] = rate;
    return kind_named(name) != NONE && item[end] == '\0';
}

/* A setting that was misread would make a test pass that tests nothing: the program does not even start. */
__attribute__((constructor)) static void read_plan(void)
{
    const char *driver = getenv("MAYDAY_I2C_DRIVER"), *list = getenv("MAYDAY_I2C_FAULTS"), *bad = NULL;
    char *copy = strdup(list == NULL ? "" : list), *rest = NULL;
    while (driver != NULL && plan.driver < drivers + DRIVERS && strcmp(plan.driver->name, driver) != 0) plan.driver++;
    if (plan.driver == drivers + DRIVERS) bad = driver;
    for (char *item = strtok_r(copy, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        if (!read_setting(item)) bad = item;
    }
    if (bad != NULL) {
        fprintf(stderr, "i2c-shim: \"%s\" in MAYDAY_I2C_DRIVER or MAYDAY_I2C_FAULTS is not a setting\n", bad);
        _exit(2);
    }
    free(copy);
}

/* A line for each process that used a bus, so that a test knows at how many bytes there can be a fault. */
__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("MAYDAY_I2C_REPORT");
    FILE *file = path == NULL || transactions == 0 ? NULL : fopen(path, "a");
    if (file == NULL) return;
    fprintf(file, "{\"bytes\":%" PRIu64 ",\"transactions\":%" PRIu64 ",\"faults\":%" PRIu64 "}\n", bytes,
            transactions, faults);
    fclose(file);
}

/* ---- The bus ----------------------------------------------------------------------------------------------------- */

struct device {
    pthread_mutex_t mutex;
    atomic_bool is_open;
    int address, stretch_ms;
    int sockets[ADDRESSES]; /* connections + 1; 0: none */
};
static struct device devices[FDS_MAX] = {[0 ... FDS_MAX - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

static struct device *device_of(int fd)
{
    return fd >= 0 && fd < FDS_MAX && devices[fd].is_open ? &devices[fd] : NULL;
}

static void hang_up(struct device *d, int address)
{
    if (d->sockets[address] > 0) LIBC(close)(d->sockets[address] - 1);
    d->sockets[address] = 0;
}

/* The connection to a peripheral, made again if the last one has ended; below 0 if nothing listens. */
static int connection(struct device *d, int fd, int address)
{
    char byte;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = d->stretch_ms / 1000, .tv_usec = d->stretch_ms % 1000 * 1000};
    int to = d->sockets[address] - 1;
    if (to >= 0 && recv(to, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN) return to;
    hang_up(d, address);
    to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (to < 0) return -1;
    /* By way of the descriptor: the directory's own path may be too long for a socket's name. */
    snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d/0x%02x", fd, address);
    setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    d->sockets[address] = to + 1;
    if (connect(to, (struct sockaddr *)&name, sizeof name) == 0) return to;
    hang_up(d, address);
    return -1;
}

/* Whether all bytes came. If not, errno is EAGAIN after a timeout, and something else after a hang-up. */
static bool receive_all(int from, uint8_t *data, size_t length)
{
    while (length > 0) {
        ssize_t got = recv(from, data, length, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EPIPE;
        if (got <= 0) return false;
        data += got;
        length -= (size_t)got;
    }
    return true;
}

/* One message to the peripheral and its answer; 0, or below it an error. */
static int exchange(struct device *d, int fd, int address, bool is_read, uint8_t *data, size_t length)
{
    uint8_t frame[HEADER + MESSAGE_MAX] = {VERSION, is_read, (uint8_t)length, (uint8_t)(length >> 8)};
    size_t sent = HEADER + (is_read ? 0 : length), answered = is_read ? length : 0;
    int to = connection(d, fd, address);
    if (to < 0) return -plan.driver->address_nack;
    if (!is_read) memcpy(frame + HEADER, data, length);
    if (send(to, frame, sent, MSG_NOSIGNAL) != (ssize_t)sent || !receive_all(to, frame, HEADER + answered)) {
        int error = errno == EAGAIN ? ETIMEDOUT : plan.driver->data_nack;
        hang_up(d, address); /* an answer that still comes must not be taken for that of the next message */
        return -error;
    }
    if (frame[0] != VERSION || (size_t)(frame[2] | frame[3] << 8) != answered) {
        hang_up(d, address);
        return -EPROTO;
    }
    if (frame[1] != 0) return length == 0 ? -plan.driver->address_nack : -plan.driver->data_nack;
    if (is_read) memcpy(data, frame + HEADER, length);
    return 0;
}

/* Carries a message with its faults; how many data bytes passed, or below 0 an error. */
static int carry(struct device *d, int fd, struct i2c_msg *message, uint64_t first)
{
    uint8_t data[MESSAGE_MAX];
    bool is_read = (message->flags & I2C_M_RD) != 0;
    size_t byte, length = message->len;
    enum kind end = message_end(first, length, is_read, &byte);
    if (end != NONE) faults++;
    if (end == LOST) return -EAGAIN;
    if (end == NACK && byte == 0) return -plan.driver->address_nack;
    if (end == NACK) length = byte; /* the acknowledge is lost, the peripheral has the byte all the same */
    if (end == SHORT || end == TIMEOUT) length = byte == 0 ? 0 : byte - 1;
    if (end == TIMEOUT && length == 0) return -ETIMEDOUT;
    if (!is_read) {
        memcpy(data, message->buf, length);
        corrupt(data, length, first + 1);
    }
    int result = exchange(d, fd, message->addr, is_read, data, length);
    if (result < 0) return result;
    if (end == TIMEOUT) return -ETIMEDOUT;
    if (end == NACK) return -plan.driver->data_nack;
    if (is_read) {
        corrupt(data, length, first + 1);
        memset(message->buf, 0xff, message->len); /* what nobody drives reads as ones */
        memcpy(message->buf, data, length);
    }
    return (int)length;
}

/* One transaction; how many data bytes passed in its last message, or -1 and errno. */
static int transact(struct device *d, int fd, struct i2c_msg *messages, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (messages[i].len > MESSAGE_MAX || messages[i].addr >= ADDRESSES) return FAIL(EINVAL);
        if ((messages[i].flags & ~I2C_M_RD) != 0) return FAIL(EOPNOTSUPP);
        total += 1u + messages[i].len;
    }
    pthread_mutex_lock(&d->mutex);
    while (flock(fd, LOCK_EX) < 0 && errno == EINTR) continue;
    uint64_t first = atomic_fetch_add(&bytes, total), number = atomic_fetch_add(&transactions, 1);
    bool is_stuck = number >= plan.stuck_from && number - plan.stuck_from < plan.stuck_count;
    int result = is_stuck ? -plan.driver->stuck : 0;
    if (is_stuck) faults++;
    for (size_t i = 0; i < count && result >= 0; i++) {
        result = carry(d, fd, &messages[i], first);
        first += 1u + messages[i].len;
    }
    flock(fd, LOCK_UN);
    pthread_mutex_unlock(&d->mutex);
    return result < 0 ? FAIL(-result) : result;
}

/* SMBus, made of messages as the kernel does it for adapters that know I2C only. */
static int smbus(struct device *d, int fd, const struct i2c_smbus_ioctl_data *call)
{
    union i2c_smbus_data unused = {0}, *data = call->data == NULL ? &unused : call->data;
    uint8_t out[I2C_SMBUS_BLOCK_MAX + 2] = {call->command};
    bool is_read = call->read_write == I2C_SMBUS_READ, has_command = true;
    size_t offset = 0, length = 0;
    switch (call->size) {
    case I2C_SMBUS_QUICK: has_command = false; break;
    case I2C_SMBUS_BYTE: has_command = !is_read; length = is_read; break;
    case I2C_SMBUS_BYTE_DATA: length = 1; break;
    case I2C_SMBUS_WORD_DATA: length = 2; break;
    case I2C_SMBUS_BLOCK_DATA: /* a read asks for the longest block, since its first byte tells the length */
        length = 1u + (is_read ? I2C_SMBUS_BLOCK_MAX : data->block[0]);
        break;
    case I2C_SMBUS_I2C_BLOCK_BROKEN:
    case I2C_SMBUS_I2C_BLOCK_DATA:
        if (is_read && call->size == I2C_SMBUS_I2C_BLOCK_BROKEN) data->block[0] = I2C_SMBUS_BLOCK_MAX;
        length = data->block[0];
        offset = 1;
        break;
    default: return FAIL(EOPNOTSUPP);
    }
    if (offset + length > I2C_SMBUS_BLOCK_MAX + 1) return FAIL(EINVAL);
    if (!is_read) memcpy(out + 1, data->block + offset, length);
    struct i2c_msg messages[2] = {{.addr = (__u16)d->address, .buf = out},
                                  {.addr = (__u16)d->address, .buf = data->block + offset}};
    messages[0].len = (__u16)(has_command + (is_read ? 0 : length));
    messages[1].flags = I2C_M_RD;
    messages[1].len = (__u16)length;
    int result = transact(d, fd, is_read && !has_command ? messages + 1 : messages, is_read && has_command ? 2 : 1);
    bool is_block = is_read && call->size == I2C_SMBUS_BLOCK_DATA;
    if (result >= 0 && is_block && data->block[0] - 1u >= I2C_SMBUS_BLOCK_MAX) return FAIL(EPROTO);
    return result < 0 ? -1 : 0;
}

static int control(struct device *d, int fd, unsigned long request, void *argument)
{
    unsigned long value = (unsigned long)argument;
    const struct i2c_rdwr_ioctl_data *list = argument;
    switch (request) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
        if (value >= ADDRESSES) return FAIL(EINVAL);
        d->address = (int)value;
        return 0;
    case I2C_FUNCS:
        *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_QUICK | I2C_FUNC_SMBUS_BYTE |
                                     I2C_FUNC_SMBUS_BYTE_DATA | I2C_FUNC_SMBUS_WORD_DATA |
                                     I2C_FUNC_SMBUS_BLOCK_DATA | I2C_FUNC_SMBUS_I2C_BLOCK;
        return 0;
    case I2C_RDWR:
        if (list->nmsgs == 0 || list->nmsgs > I2C_RDWR_IOCTL_MAX_MSGS) return FAIL(EINVAL);
        return transact(d, fd, list->msgs, list->nmsgs) < 0 ? -1 : (int)list->nmsgs;
    case I2C_SMBUS: return smbus(d, fd, argument);
    case I2C_TIMEOUT: /* in units of 10 ms; for connections to come */
        if (value == 0 || value > INT_MAX / 10) return FAIL(EINVAL);
        d->stretch_ms = (int)value * 10;
        return 0;
    case I2C_RETRIES: return 0; /* after lost arbitration, on some drivers only */
    case I2C_PEC:
    case I2C_TENBIT: return value == 0 ? 0 : FAIL(EOPNOTSUPP);
    default: return FAIL(ENOTTY);
    }
}

static ssize_t plain(struct device *d, int fd, const void *data, size_t length, __u16 flags)
{
    __u16 cut = (__u16)(length > MESSAGE_MAX ? MESSAGE_MAX : length);
    struct i2c_msg message = {.addr = (__u16)d->address, .flags = flags, .len = cut, .buf = (__u8 *)data};
    return transact(d, fd, &message, 1);
}

/* ---- What programs call ------------------------------------------------------------------------------------------ */

/* Whether `path` is a bus; then `*fd` is its descriptor, or -1 with errno, ENOENT if there is no such bus. */
static bool open_bus(const char *path, int *fd)
{
    const char *root = getenv("MAYDAY_I2C_DIR"), *stretch = getenv("MAYDAY_I2C_STRETCH_MS");
    char directory[PATH_MAX];
    unsigned number;
    int end = 0;
    if (root == NULL || sscanf(path, "/dev/i2c-%u%n", &number, &end) != 1 || path[end] != '\0') return false;
    snprintf(directory, sizeof directory, "%s/i2c-%u", root, number);
    *fd = LIBC(open)(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= FDS_MAX) {
        LIBC(close)(*fd);
        *fd = FAIL(EMFILE);
    }
    if (*fd < 0) return true;
    devices[*fd].address = 0;
    devices[*fd].stretch_ms = stretch == NULL ? STRETCH_MS : atoi(stretch);
    devices[*fd].is_open = true;
    return true;
}

#define DEFINE_OPEN(name)                                                                                              \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;                                    \
        mode_t mode = has_mode ? va_arg(list, mode_t) : 0;                                                             \
        va_end(list);                                                                                                  \
        int fd;                                                                                                        \
        return open_bus(path, &fd) ? fd : LIBC(name)(path, flags, mode);                                               \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int close(int fd)
{
    struct device *d = device_of(fd);
    if (d == NULL) return LIBC(close)(fd);
    pthread_mutex_lock(&d->mutex);
    d->is_open = false;
    for (int address = 0; address < ADDRESSES; address++) hang_up(d, address);
    pthread_mutex_unlock(&d->mutex);
    return LIBC(close)(fd);
}

/* i2c-bus reads and writes at position 0, which a bus does not have. */
#define DEFINE_TRANSFER(name, data_type, flags, position_parameter, position)                                          \
    ssize_t name(int fd, data_type data, size_t length position_parameter)                                             \
    {                                                                                                                  \
        struct device *d = device_of(fd);                                                                              \
        return d == NULL ? LIBC(name)(fd, data, length position) : plain(d, fd, data, length, flags);                  \
    }
#define COMMA ,
DEFINE_TRANSFER(read, void *, I2C_M_RD, , )
DEFINE_TRANSFER(write, const void *, 0, , )
DEFINE_TRANSFER(pread64, void *, I2C_M_RD, COMMA off64_t offset, COMMA offset)
DEFINE_TRANSFER(pwrite64, const void *, 0, COMMA off64_t offset, COMMA offset)

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct device *d = device_of(fd);
    return d == NULL ? LIBC(ioctl)(fd, request, argument) : control(d, fd, request, argument);
}
