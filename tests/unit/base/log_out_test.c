/* log_out_test.c: gathered lines come out whole, in order and all of them. */
#include "base/log_out.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { N_THREADS = 4, N_LINES = 20000 };

static void *say(void *context)
{
    char line[64];

    for (int i = 0; i < N_LINES; i++) {
        int size = snprintf(line, sizeof(line), "%s %d\n", (const char *)context, i);

        log_out_line(line, (size_t)size, i % 5000 != 4999);
    }
    return NULL;
}

/* Far more than the buffers hold, with lines in between that cannot wait. */
static void say_all(void)
{
    static const char *const names[N_THREADS] = { "a", "b", "c", "d" };
    pthread_t                threads[N_THREADS];

    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, say, (void *)(uintptr_t)names[i]), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    log_out_flush();
}

void test_log_out_loses_nothing_and_keeps_each_threads_order(void **state)
{
    FILE *out             = tmpfile();
    int   kept            = dup(STDERR_FILENO);
    int   next[N_THREADS] = { 0 };
    char  line[64];

    (void)state;
    assert_non_null(out);
    log_out_begin();
    dup2(fileno(out), STDERR_FILENO);
    say_all();
    dup2(kept, STDERR_FILENO);
    close(kept);

    rewind(out);
    while (fgets(line, sizeof(line), out) != NULL) {
        size_t thread = (size_t)(line[0] - 'a');

        assert_true(thread < N_THREADS);
        assert_int_equal(strtol(line + 2, NULL, 10), next[thread]++);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(next[i], N_LINES);
    fclose(out);
}
