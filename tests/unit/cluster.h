/* tests/unit/cluster.h: the PostgreSQL cluster of one test binary (tests/pg_cluster), started by the first case
 * that asks and ended with the process, and in it a schema of its own for each case. Without PostgreSQL a
 * case skips and says so. */
#ifndef TESTS_UNIT_CLUSTER_H
#define TESTS_UNIT_CLUSTER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "check.h"

enum { CLUSTER_URL_MAX = 512 };

/* The script's one line of output; its exit code is returned. */
static inline int cluster_ask(const char *verb, const char *dir, char *out, size_t size)
{
    const char *root = getenv("ASSAY_SOURCE_ROOT");
    char        script[CLUSTER_URL_MAX], pid[16];
    int         ends[2], status;
    size_t      n = 0;

    snprintf(script, sizeof(script), "%s/tests/pg_cluster", root == NULL ? "." : root);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(script, script, verb, dir, pid, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0 && n < size - 1; n += (size_t)got)
        got = read(ends[0], out + n, size - 1 - n);
    close(ends[0]);
    out[n]                  = '\0';
    out[strcspn(out, "\n")] = '\0';
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The cluster's url; null when there is no PostgreSQL here. */
static inline const char *cluster_url(void)
{
    static char url[CLUSTER_URL_MAX];
    static bool is_asked;
    char        dir[64];

    if (!is_asked) {
        is_asked = true;
        snprintf(dir, sizeof(dir), "/tmp/assay-pg-%d", (int)getpid());
        int code = cluster_ask("start", dir, url, sizeof(url));
        if (code != 0)
            url[0] = '\0';
        if (code == 77)
            print_message("PostgreSQL is missing: its cases are skipped\n");
        else
            assert_int_equal(code, 0);
    }
    return url[0] == '\0' ? NULL : url;
}

/* A statement by a connection of the test's own. */
static inline void cluster_run(const char *url, const char *sql)
{
    PGconn   *pq     = PQconnectdb(url);
    PGresult *result = PQexec(pq, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pq));
    PQclear(result);
    PQfinish(pq);
}

/* The url of a fresh schema, or false: there is no PostgreSQL. */
static inline bool cluster_schema(char url[CLUSTER_URL_MAX])
{
    static int  n;
    const char *base = cluster_url();
    char        sql[64];

    if (base == NULL)
        return false;
    snprintf(sql, sizeof(sql), "CREATE SCHEMA s%d", ++n);
    cluster_run(base, sql);
    snprintf(url, CLUSTER_URL_MAX, "%s&options=-csearch_path%%3Ds%d", base, n);
    return true;
}

#endif
