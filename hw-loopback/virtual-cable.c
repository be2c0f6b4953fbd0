/*
 * A null-modem cable between two pseudo terminals, with the pace and the faults of a real one.
 *
 * A PTY has no baud rate and loses nothing: 64 KiB "at 9600 baud" pass in 12 ms. This program owns both masters and
 * carries each direction over a line of its own: 8N1, so ten bit times a byte; byte i starts at the later of its
 * arrival and the end of byte i - 1, and comes out at its end plus the latency. The line clock is absolute: a late
 * wake-up delays bytes but never lowers the rate. Only what the line can start soon is read, so that the writer is
 * held back by the kernel's tty queue as by a UART's; what finds the receiving tty full is lost, as in a UART.
 *
 * With --strict-baud and no --baud each direction runs at the rate that its sender is set to.
 *
 * What happens to byte i of a direction is a function of the seed and i alone (cuts and wrong speeds apart).
 *
 * Linux only (PTY semantics, TCGETS2). Build: cc -std=c99 -O2 virtual-cable.c -lm
 */
#define _GNU_SOURCE
#include <asm/termbits.h> /* struct termios2; clashes with <termios.h>, which is therefore not used */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Picoseconds: a byte at 3 Mbaud is 3,333,333 of them, and 63 bits last 106 days. */
typedef int64_t picos;
#define NEVER INT64_MAX
#define PICOS_PER_MS INT64_C(1000000000)
#define PICOS_PER_SECOND INT64_C(1000000000000)
#define BITS_PER_BYTE 10
#define BAUD_DEFAULT 115200
#define BAUD_MIN 50
#define BAUD_MAX 4000000
#define LATENCY_MAX_MS 5000.0
#define CUT_MAX_SECONDS 1e6
#define CUTS_MAX 64
#define GARBLED_MAX 16
#define SEED_MAX 9007199254740991.0 /* 2^53 - 1, exact in a double */
/* Bytes due within one tick are handed over together: about what a USB adapter or a FIFO interrupt does. */
#define TICK (PICOS_PER_MS / 2)
/* Bytes are taken from the tty this early, or 16 bytes early (a 16550's FIFO) if that is longer. */
#define LOOK_AHEAD PICOS_PER_MS
#define LOOK_AHEAD_BYTES 16
/* How long a direction is looked after every tick once its tty ran empty, to tell "no bytes" from "we were late". */
#define RECENT (5 * PICOS_PER_MS)
/* Lateness beyond this (a stopped process) is not caught up. */
#define LATE_MAX (250 * PICOS_PER_MS)
#define CHUNK 4096
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct cut {
    picos from, until; /* since the first byte carried in either direction */
};

struct options {
    const char *link[2];
    uint32_t baud; /* 0: not given */
    bool strict_baud, exit_on_stdin_close;
    bool follow; /* the rate is the one that the sender is set to */
    uint32_t garbled[GARBLED_MAX];
    size_t garbled_count;
    double ber, drop;
    uint64_t burst_every, burst_length;
    picos latency;
    struct cut cuts[CUTS_MAX];
    size_t cut_count;
    uint64_t seed;
};

struct end {
    int master, slave;
    char device[64];
    bool linked;
};

struct in_flight {
    picos due;
    uint32_t baud; /* rate that it was sent at */
    uint8_t value;
    bool garbled;
};

/* One kind of fault, with a random stream of its own: `skip` trials pass before it strikes again. */
struct fault {
    uint64_t random_state, skip;
    double log_miss; /* ln(1 - p) of one trial; 0 when it never strikes */
};

struct counters {
    uint64_t bytes, flipped_bits, dropped, burst, cut, overrun, garbled;
    picos first_start, last_end; /* on the line, of the first and the last byte; without meaning while bytes is 0 */
};

struct direction {
    int from, to;     /* master fds */
    uint32_t baud;    /* rate of the line */
    picos byte, batch, look_ahead; /* what follows from it */
    picos line_free;  /* end of the last byte on the line */
    picos recent;     /* looked after every tick until then */
    picos hold_until; /* until then, a full receiver is blamed on our lateness and loses nothing */
    bool empty;       /* the sender's tty had nothing when last read */
    bool held;        /* the receiver's tty refused bytes that are kept */
    struct in_flight *ring;
    size_t capacity, head, count;
    struct fault flip, drop, burst;
    uint64_t burst_left, garble_state;
    struct counters counters;
};

struct cable {
    struct options options;
    struct end ends[2];
    struct direction directions[2]; /* a to b, b to a */
    picos first_start; /* start of the first byte in either direction, or NEVER */
};

#define COMPLAIN(...) (fputs("virtual-cable: ", stderr), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

static picos clock_now(void) {
    static int64_t origin;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t nanos = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    if (origin == 0) origin = nanos;
    return (nanos - origin) * 1000;
}

static picos earlier(picos a, picos b) { return a < b ? a : b; }
static picos later(picos a, picos b) { return a > b ? a : b; }

/* ---- chance ---- */
/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t random_u64(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t random_stream(uint64_t seed, uint64_t stream) {
    uint64_t state = seed ^ (stream * UINT64_C(0xd1342543de82ef95));
    return random_u64(&state);
}

/* Trials that miss before the next hit: geometric, so that the cost is one logarithm an error, not one draw a bit. */
static uint64_t fault_gap(struct fault *fault) {
    if (fault->log_miss == 0.0) return UINT64_MAX / 2;
    double uniform = ((double)(random_u64(&fault->random_state) >> 11) + 1.0) * 0x1p-53; /* (0, 1] */
    double gap = floor(log(uniform) / fault->log_miss);
    return gap < 1e18 ? (uint64_t)gap : UINT64_C(1000000000000000000);
}

static void fault_init(struct fault *fault, double probability, uint64_t random_state) {
    fault->log_miss = log1p(-probability);
    fault->random_state = random_state;
    fault->skip = fault_gap(fault);
}

static bool fault_strikes(struct fault *fault) {
    if (fault->skip-- > 0) return false;
    fault->skip = fault_gap(fault);
    return true;
}

/* ---- the line ---- */
/* The rate that a terminal is set to; 0 if it is none that a line can have. */
static uint32_t speed_of(int master) {
    struct termios2 settings; /* asked of a master, the kernel answers with the slave's */
    if (ioctl(master, TCGETS2, &settings) != 0 || settings.c_ispeed != settings.c_ospeed) return 0;
    return settings.c_ospeed >= BAUD_MIN && settings.c_ospeed <= BAUD_MAX ? settings.c_ospeed : 0;
}

static void set_rate(struct direction *d, uint32_t baud) {
    d->baud = baud;
    d->byte = BITS_PER_BYTE * PICOS_PER_SECOND / baud;
    d->batch = TICK / d->byte * d->byte;
    d->look_ahead = later(LOOK_AHEAD, LOOK_AHEAD_BYTES * d->byte);
}

/* Follows the rate of the sender, if it is to; whether what that sends is garbage, whatever the receiver is set to. */
static bool sends_garbage(const struct options *options, struct direction *d) {
    uint32_t baud = options->strict_baud ? speed_of(d->from) : d->baud;
    if (options->follow && baud != 0 && baud != d->baud) set_rate(d, baud);
    for (size_t i = 0; i < options->garbled_count; i++)
        if (options->garbled[i] == d->baud) return true;
    return baud != d->baud;
}

static bool is_cut(const struct cable *cable, const struct direction *d, picos start) {
    for (size_t i = 0; i < cable->options.cut_count; i++) {
        const struct cut *cut = &cable->options.cuts[i];
        picos since = start - cable->first_start;
        if (since < cut->until && since + d->byte > cut->from) return true;
    }
    return false;
}

static void garble(struct direction *d, struct in_flight *byte) {
    if (byte->garbled) return;
    byte->value = (uint8_t)random_u64(&d->garble_state);
    byte->garbled = true;
    d->counters.garbled++;
}

/* Puts one byte on the line at `start`. Every fault draws for every byte, so that none shifts another's stream. */
static void carry_byte(struct cable *cable, struct direction *d, uint8_t value, picos start, bool wrong_speed) {
    uint8_t flips = 0;
    uint64_t flipped = 0;
    while (d->flip.skip < 8) {
        flips = (uint8_t)(flips | (1U << d->flip.skip));
        flipped++;
        d->flip.skip += 1 + fault_gap(&d->flip);
    }
    d->flip.skip -= 8;
    bool dropped = fault_strikes(&d->drop);
    bool in_burst = d->burst_left > 0;
    if (!in_burst && fault_strikes(&d->burst)) {
        in_burst = true;
        d->burst_left = cable->options.burst_length;
    }
    if (in_burst) {
        value = (uint8_t)random_u64(&d->burst.random_state);
        d->burst_left--;
    }

    if (cable->first_start == NEVER) cable->first_start = start;
    d->line_free = start + d->byte;
    if (d->counters.bytes++ == 0) d->counters.first_start = start;
    d->counters.last_end = d->line_free;
    if (is_cut(cable, d, start)) {
        d->counters.cut++;
    } else if (dropped) {
        d->counters.dropped++;
    } else {
        struct in_flight *byte = &d->ring[(d->head + d->count++) % d->capacity];
        byte->due = d->line_free + cable->options.latency;
        byte->baud = d->baud;
        byte->value = value ^ flips;
        byte->garbled = false;
        d->counters.flipped_bits += flipped;
        if (in_burst) d->counters.burst++;
        if (wrong_speed) garble(d, byte);
    }
}

/* Takes from the sender's tty what the line can start soon. `arrival`: when bytes found now came, at the latest. */
static void carry(struct cable *cable, struct direction *d, picos now, picos arrival) {
    uint8_t chunk[CHUNK];
    bool wrong_speed = sends_garbage(&cable->options, d);
    picos horizon = now + d->look_ahead;
    for (;;) {
        picos start = later(d->line_free, arrival);
        size_t room = d->capacity - d->count;
        d->empty = false;
        if (start > horizon || room == 0) return;
        uint64_t want = (uint64_t)((horizon - start) / d->byte) + 1;
        if (want > room) want = room;
        if (want > CHUNK) want = CHUNK;
        /* A read that finds nothing has made the kernel flush its own queue into the tty first: empty means empty. */
        ssize_t got = read(d->from, chunk, (size_t)want);
        if (got <= 0) {
            d->empty = true;
            return;
        }
        d->recent = now + RECENT;
        for (ssize_t i = 0; i < got; i++) carry_byte(cable, d, chunk[i], later(d->line_free, arrival), wrong_speed);
    }
}

/* Hands what is due to the receiver's tty. */
static void deliver(struct cable *cable, struct direction *d, picos now) {
    d->held = false;
    if (d->count == 0 || d->ring[d->head].due > now) return;
    uint32_t speed = cable->options.strict_baud ? speed_of(d->to) : 0;
    while (d->count > 0 && d->ring[d->head].due <= now) {
        uint8_t chunk[CHUNK];
        size_t due = 0;
        while (due < CHUNK && due < d->count) {
            struct in_flight *byte = &d->ring[(d->head + due) % d->capacity];
            if (byte->due > now) break;
            if (cable->options.strict_baud && byte->baud != speed) garble(d, byte);
            chunk[due++] = byte->value;
        }
        ssize_t written = write(d->to, chunk, due);
        size_t done = written > 0 ? (size_t)written : 0;
        if (done < due && now < d->hold_until) {
            d->held = true;
        } else {
            d->counters.overrun += due - done;
            done = due;
        }
        d->head = (d->head + done) % d->capacity;
        d->count -= done;
        if (d->held) return;
    }
}

/* When the direction next needs a wake-up besides new bytes; NEVER at rest. */
static picos next_wake(const struct direction *d, picos now) {
    picos wake = NEVER;
    if (d->held || d->count == d->capacity) return now + TICK;
    if (d->count > 0) {
        /* The last byte of a run comes on time, the others at most one tick late. */
        picos last = d->ring[(d->head + d->count - 1) % d->capacity].due;
        wake = earlier(last, d->ring[d->head].due + d->batch);
    }
    if (!d->empty) return earlier(wake, d->line_free - d->look_ahead / 2);
    return now < d->recent ? earlier(wake, now + TICK) : wake;
}

/* One wake-up that was wanted at `wanted` (NEVER: only new bytes were waited for); returns when the next is wanted. */
static picos serve(struct cable *cable, picos now, picos wanted) {
    /* New bytes would have woken us before `wanted`; if that has passed we are late, and they may have waited. */
    picos arrival = later(earlier(now, wanted), now - LATE_MAX);
    picos late = now - arrival;
    picos next = NEVER;
    for (int i = 0; i < 2; i++) {
        struct direction *d = &cable->directions[i];
        if (late > TICK) d->hold_until = later(d->hold_until, now + late);
        carry(cable, d, now, arrival);
        deliver(cable, d, now);
        next = earlier(next, next_wake(d, now));
    }
    return next;
}

/* Runs until a signal, or until standard input closes if that was asked for. */
static void run(struct cable *cable, int signals) {
    picos wanted = NEVER;
    clock_now(); /* its time begins here, not with the first byte */
    for (;;) {
        struct pollfd polled[4] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}, {signals, POLLIN, 0}};
        for (int i = 0; i < 2; i++)
            if (cable->directions[i].empty) polled[i].fd = cable->directions[i].from;
        if (cable->options.exit_on_stdin_close) polled[2].fd = STDIN_FILENO;
        picos nanos = wanted == NEVER ? 0 : later(0, wanted - clock_now()) / 1000;
        struct timespec timeout = {(time_t)(nanos / 1000000000), (long)(nanos % 1000000000)};
        int ready = ppoll(polled, 4, wanted == NEVER ? NULL : &timeout, NULL);
        if (ready > 0 && polled[3].revents != 0) return;
        if (ready > 0 && polled[2].revents != 0) {
            char ignored[256];
            ssize_t got = read(STDIN_FILENO, ignored, sizeof ignored);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
        }
        wanted = serve(cable, clock_now(), wanted);
    }
}

/* ---- pseudo terminals and their links ---- */
static bool end_open(struct end *end) {
    end->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const char *name = NULL;
    if (end->master >= 0 && grantpt(end->master) == 0 && unlockpt(end->master) == 0) name = ptsname(end->master);
    if (name == NULL || strlen(name) >= sizeof end->device) {
        COMPLAIN("no pseudo terminal: %s", strerror(errno));
        return false;
    }
    strcpy(end->device, name);
    /* Kept open: a master whose slave nobody holds reads as an I/O error. */
    end->slave = open(end->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios2 raw;
    if (end->slave < 0 || ioctl(end->slave, TCGETS2, &raw) != 0) {
        COMPLAIN("cannot open %s: %s", end->device, strerror(errno));
        return false;
    }
    raw.c_iflag = 0;
    raw.c_oflag = 0;
    raw.c_lflag = 0;
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CREAD | CLOCAL;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (ioctl(end->slave, TCSETS2, &raw) != 0) {
        COMPLAIN("cannot set %s raw: %s", end->device, strerror(errno));
        return false;
    }
    return true;
}

/* What the link at `path` points to, in `target`; false if there is no link of this user's. */
static bool link_target(const char *path, char *target, size_t size) {
    struct stat link;
    if (lstat(path, &link) != 0 || link.st_uid != geteuid()) return false;
    ssize_t length = readlink(path, target, size - 1);
    if (length < 0) return false;
    target[length] = '\0';
    return true;
}

/* Replaces a link left behind by a cable that was killed, and nothing else. */
static bool end_link(struct end *end, const char *path) {
    char target[256];
    struct stat status;
    if (link_target(path, target, sizeof target) && (strncmp(target, "/dev/pts/", 9) == 0 || stat(path, &status) != 0))
        unlink(path);
    if (symlink(end->device, path) != 0) {
        COMPLAIN("cannot make the link %s: %s", path, strerror(errno));
        return false;
    }
    end->linked = true;
    return true;
}

static void end_unlink(const struct end *end, const char *path) {
    char target[256];
    if (end->linked && link_target(path, target, sizeof target) && strcmp(target, end->device) == 0) unlink(path);
}

static bool cable_init(struct cable *cable) {
    const struct options *options = &cable->options;
    cable->first_start = NEVER;
    if (!end_open(&cable->ends[0]) || !end_open(&cable->ends[1])) return false;
    for (unsigned i = 0; i < 2; i++) {
        struct direction *d = &cable->directions[i];
        d->from = cable->ends[i].master;
        d->to = cable->ends[1 - i].master;
        d->empty = true;
        set_rate(d, options->follow ? BAUD_MAX : options->baud);
        /* All that can be between look-ahead and delivery, after the longest lateness that is caught up. */
        d->capacity = (size_t)((options->latency + d->look_ahead + 2 * LATE_MAX) / d->byte) + CHUNK;
        d->ring = malloc(d->capacity * sizeof *d->ring);
        if (d->ring == NULL) {
            COMPLAIN("out of memory for %zu bytes in flight", d->capacity);
            return false;
        }
        /* Burst starts are `every` bytes apart on average: what follows a burst has a geometric length. */
        double between = (double)(options->burst_every - options->burst_length) + 1.0;
        fault_init(&d->flip, options->ber, random_stream(options->seed, 4 * i));
        fault_init(&d->drop, options->drop, random_stream(options->seed, 4 * i + 1));
        fault_init(&d->burst, options->burst_length > 0 ? 1.0 / between : 0.0, random_stream(options->seed, 4 * i + 2));
        d->garble_state = random_stream(options->seed, 4 * i + 3);
    }
    return end_link(&cable->ends[0], options->link[0]) && end_link(&cable->ends[1], options->link[1]);
}

/* Microseconds are told: a byte at 4 Mbaud is 2.5 of them. */
static void print_moment(const char *name, const struct counters *c, picos moment) {
    if (c->bytes == 0) printf(",\"%s\":null", name);
    else printf(",\"%s\":%.3f", name, (double)moment / (double)PICOS_PER_MS);
}

static void print_counters(const char *name, const struct counters *c) {
    printf("\"%s\":{\"octets\":%" PRIu64 ",\"flippedBits\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"burst\":%" PRIu64
           ",\"cut\":%" PRIu64 ",\"overrun\":%" PRIu64 ",\"garbled\":%" PRIu64,
           name, c->bytes, c->flipped_bits, c->dropped, c->burst, c->cut, c->overrun, c->garbled);
    print_moment("firstByteMs", c, c->first_start);
    print_moment("lastByteMs", c, c->last_end);
    putchar('}');
}

/* ---- command line ---- */
static const char usage[] =
    "usage: virtual-cable --a PATH --b PATH [--baud N] [--strict-baud] [--ber P] [--drop P] [--latency MS]\n"
    "       [--burst R,LEN] [--cut T,DUR]... [--garble-baud N]... [--seed N] [--exit-on-stdin-close]\n";

/* A plain number up to `end`, without the signs, spaces and hexadecimals that strtod also takes; returns what follows. */
static const char *parse_number(const char *text, const char *digits, char end, double min, double max, double *value) {
    size_t length = strspn(text, digits);
    if (length == 0 || text[length] != end || text[0] == '-') return NULL;
    char *stop;
    *value = strtod(text, &stop);
    if (stop != text + length || !(*value >= min && *value <= max)) return NULL;
    return end == '\0' ? stop : stop + 1;
}

#define WHOLE "0123456789"
#define DECIMAL "0123456789.eE-"

static bool parse_burst(struct options *options, const char *text) {
    double every, length;
    const char *rest = parse_number(text, WHOLE, ',', 2, UINT32_MAX, &every);
    if (rest == NULL || parse_number(rest, WHOLE, '\0', 1, every - 1, &length) == NULL) return false;
    options->burst_every = (uint64_t)every;
    options->burst_length = (uint64_t)length;
    return true;
}

static bool parse_cut(struct options *options, const char *text) {
    double from, length;
    const char *rest = parse_number(text, DECIMAL, ',', 0, CUT_MAX_SECONDS, &from);
    if (rest == NULL || parse_number(rest, DECIMAL, '\0', 0, CUT_MAX_SECONDS, &length) == NULL) return false;
    if (options->cut_count == CUTS_MAX) return false;
    struct cut *cut = &options->cuts[options->cut_count++];
    cut->from = (picos)(from * (double)PICOS_PER_SECOND);
    cut->until = cut->from + (picos)(length * (double)PICOS_PER_SECOND);
    return true;
}

static bool parse_option(struct options *options, int name, const char *text) {
    double value = 0;
    bool good = true;
    switch (name) {
        case 'a': options->link[0] = text; break;
        case 'b': options->link[1] = text; break;
        case 'S': options->strict_baud = true; break;
        case 'x': options->exit_on_stdin_close = true; break;
        case 'r': return parse_burst(options, text);
        case 'c': return parse_cut(options, text);
        case 'g':
            good = options->garbled_count < GARBLED_MAX && parse_number(text, WHOLE, '\0', BAUD_MIN, BAUD_MAX, &value) != NULL;
            if (good) options->garbled[options->garbled_count++] = (uint32_t)value;
            break;
        case 'e': return parse_number(text, DECIMAL, '\0', 0, 1, &options->ber) != NULL;
        case 'd': return parse_number(text, DECIMAL, '\0', 0, 1, &options->drop) != NULL;
        case 'n':
            good = parse_number(text, WHOLE, '\0', BAUD_MIN, BAUD_MAX, &value) != NULL;
            options->baud = (uint32_t)value;
            break;
        case 'l':
            good = parse_number(text, DECIMAL, '\0', 0, LATENCY_MAX_MS, &value) != NULL;
            options->latency = (picos)(value * (double)PICOS_PER_MS);
            break;
        default:
            good = parse_number(text, WHOLE, '\0', 0, SEED_MAX, &value) != NULL;
            options->seed = (uint64_t)value;
    }
    return good;
}

static bool parse_options(struct options *options, int argc, char **argv) {
    static const struct option names[] = {
        {"a", required_argument, NULL, 'a'},           {"b", required_argument, NULL, 'b'},
        {"baud", required_argument, NULL, 'n'},        {"ber", required_argument, NULL, 'e'},
        {"drop", required_argument, NULL, 'd'},        {"latency", required_argument, NULL, 'l'},
        {"burst", required_argument, NULL, 'r'},       {"cut", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},        {"strict-baud", no_argument, NULL, 'S'},
        {"garble-baud", required_argument, NULL, 'g'}, {"exit-on-stdin-close", no_argument, NULL, 'x'},
        {NULL, 0, NULL, 0},
    };
    int name, index = 0;
    while ((name = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (name == '?') return false; /* getopt has told why */
        if (!parse_option(options, name, optarg)) {
            COMPLAIN("--%s %s: not a number of the right form, or out of range", names[index].name, optarg);
            return false;
        }
    }
    if (optind < argc) COMPLAIN("unexpected argument %s", argv[optind]);
    else if (options->link[0] == NULL || options->link[1] == NULL) COMPLAIN("both --a and --b are needed");
    else if (strcmp(options->link[0], options->link[1]) == 0) COMPLAIN("--a and --b are the same path");
    else {
        options->follow = options->strict_baud && options->baud == 0;
        if (options->baud == 0) options->baud = BAUD_DEFAULT;
        return true;
    }
    return false;
}

int main(int argc, char **argv) {
    static struct cable cable = {.options = {.seed = 1}};
    if (!parse_options(&cable.options, argc, argv)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    /* With an owner on stdin, a terminal's Ctrl-C is the owner's: it closes its ports first, then us. */
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    if (cable.options.exit_on_stdin_close) {
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
    } else {
        sigaddset(&ending, SIGINT);
        sigaddset(&ending, SIGHUP);
    }
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN); /* the links go also when nobody reads the counters */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    /* A wire does not wait for a busy processor: on time also under load, where the user may ask for that. */
    struct sched_param priority = {.sched_priority = 1};
    (void)sched_setscheduler(0, SCHED_FIFO, &priority);

    bool ready = cable_init(&cable);
    if (ready) {
        printf("ready %s %s\n", cable.options.link[0], cable.options.link[1]);
        fflush(stdout);
        run(&cable, signals);
    }
    for (int i = 0; i < 2; i++) end_unlink(&cable.ends[i], cable.options.link[i]);
    if (!ready) return EXIT_FAILED;
    putchar('{');
    print_counters("aToB", &cable.directions[0].counters);
    putchar(',');
    print_counters("bToA", &cable.directions[1].counters);
    puts("}");
    fflush(stdout);
    return EXIT_DONE;
}
