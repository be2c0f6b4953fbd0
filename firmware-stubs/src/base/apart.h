/* A small function that stays one: compilers that make code small inline it in several places all the same, as they judge before
 * they know what its body comes to there. Costs a call, saves the copies. */
#ifndef MAYDAY_BASE_APART_H
#define MAYDAY_BASE_APART_H

#ifdef __GNUC__
#define MAYDAY_APART __attribute__((noinline))
#else
#define MAYDAY_APART
#endif

#endif
