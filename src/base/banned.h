/* base/banned.h: calls of the C library that the house does not make. The build includes this file into
 * every source before its first line, so that a use does not compile; the text of the refusal names
 * what to take. Only declarations stand here, which the system's own headers may repeat later.
 * Calls that are right in some folders and wrong in others (malloc, printf, time) are tools/lint's. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#define BANNED(instead) __attribute__((deprecated("banned: " instead)))

#include <bits/types.h>

struct _IO_FILE;
struct tm;

/* clang-format off */

/* No bound on what is written. */
char *strcpy(char *restrict to, const char *restrict from)                 BANNED("use memcpy or base/buf.h");
char *stpcpy(char *restrict to, const char *restrict from)                 BANNED("use memcpy or base/buf.h");
char *strcat(char *restrict to, const char *restrict from)                 BANNED("use base/buf.h");
char *strncpy(char *restrict to, const char *restrict from, __SIZE_TYPE__) BANNED("does not terminate; use memcpy");
char *strncat(char *restrict to, const char *restrict from, __SIZE_TYPE__) BANNED("use base/buf.h");
char *gets(char *)                                                         BANNED("no bound");
int   sprintf(char *restrict, const char *restrict, ...)                   BANNED("use snprintf or buf_printf");
int   vsprintf(char *restrict, const char *restrict, __builtin_va_list)    BANNED("use vsnprintf or buf_vprintf");

/* Numbers that overflow in silence, text that is cut in silence. */
int       atoi(const char *)                                               BANNED("use str_to_int");
long      atol(const char *)                                               BANNED("use str_to_int");
long long atoll(const char *)                                              BANNED("use str_to_int");
double    atof(const char *)                                               BANNED("use str_to_int or codec/");
int       scanf(const char *restrict, ...)                                 BANNED("use base/str.h");
int       sscanf(const char *restrict, const char *restrict, ...)          BANNED("use base/str.h");

/* State that threads share. */
char      *strtok(char *restrict, const char *restrict)                    BANNED("use str_next");
char      *strerror(int)                                                   BANNED("use err_set_os or strerror_r");
struct tm *localtime(const __time_t *)                                     BANNED("times are UTC: io/clock.h");
struct tm *gmtime(const __time_t *)                                        BANNED("use gmtime_r");
char      *ctime(const __time_t *)                                         BANNED("use codec/");
char      *asctime(const struct tm *)                                      BANNED("use codec/");

/* A shell. */
int              system(const char *)                                      BANNED("children come from io/");
struct _IO_FILE *popen(const char *, const char *)                         BANNED("children come from io/");

/* Names that another process can guess. */
char *mktemp(char *)                                                       BANNED("use mkstemp or O_TMPFILE");
char *tmpnam(char *)                                                       BANNED("use mkstemp or O_TMPFILE");
char *tempnam(const char *, const char *)                                  BANNED("use mkstemp or O_TMPFILE");

/* Randomness that can be foretold. */
int    rand(void)                                                          BANNED("use io/random.h");
long   random(void)                                                        BANNED("use io/random.h");
long   lrand48(void)                                                       BANNED("use io/random.h");
double drand48(void)                                                       BANNED("use io/random.h");

/* clang-format on */

#undef BANNED

#endif
