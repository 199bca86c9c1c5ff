/* base/assert.h: mistakes in the program, as opposed to errors. An assert stays on in production: it
 * guards data, is cheap, and prints where it stood before the process ends. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#define ASSERT(condition) \
    ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__, __func__))

/* A place that cannot be reached. */
#define ASSERT_NEVER(why) assert_failed("never: " why, __FILE__, __LINE__, __func__)

__attribute__((noreturn, cold)) void assert_failed(const char *condition, const char *file,
                                                   int line, const char *function);

#endif
