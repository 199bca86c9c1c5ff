/* cmd/notify.h: tells the service manager how the process fares (sd_notify(3)'s protocol: a datagram to the
 * Unix socket in NOTIFY_SOCKET). Without that variable it does nothing. */
#ifndef CMD_NOTIFY_H
#define CMD_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1". */
void notify(const char *state);

/* How often the watchdog wants to hear from us, in µs; 0: not at all. */
int64_t notify_watchdog_us(void);

#endif
