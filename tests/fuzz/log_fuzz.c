/* log_fuzz.c: whatever the fields hold, an event is one line, and in the JSON form one valid object of the
 * very strings that were logged, as far as they were not cut. The first byte chooses the form, the second how
 * many fields, the rest is cut into sentence and fields at its line feeds. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 40, NODE_FIELDS = 4, OUTPUT_MAX = 64 * 1024 };

static const struct json_limits limits = {
    .size = OUTPUT_MAX, .values = 200, .depth = 4, .key = 40
};

/* What log_event writes to standard error while it stands aside. */
static struct str capture(struct arena *arena, bool is_json, const struct log_node *node,
                          const struct log_field *fields, size_t n_fields, const char *sentence)
{
    struct log_settings settings = { .level = LOG_DEBUG, .json = is_json };
    int                 kept     = dup(STDERR_FILENO);
    int                 file     = memfd_create("log", MFD_CLOEXEC);
    char               *room     = mem_alloc(arena, OUTPUT_MAX);

    ASSERT(kept >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    log_init(&settings);
    log_event(LOG_INFO, node, "fuzz.event", fields, n_fields, "%s", sentence);
    ASSERT(dup2(kept, STDERR_FILENO) >= 0);
    ssize_t n = pread(file, room, OUTPUT_MAX, 0);
    ASSERT(n >= 0);
    close(kept);
    close(file);
    return (struct str){ .p = room, .n = (size_t)n };
}

static void check_line(struct str line)
{
    ASSERT(line.n > 0 && str_find(line, '\n') == (ptrdiff_t)line.n - 1);
    for (size_t i = 0; i + 1 < line.n; i++)
        ASSERT((unsigned char)line.p[i] >= 0x20 && (unsigned char)line.p[i] < 0x7f);
}

static void check_json(struct arena *arena, struct str line)
{
    AUTO(json_tree_free) struct json_node *tree = NULL;
    struct str                             text = str_sub(line, 0, line.n - 1);
    size_t                                 n    = 0;
    struct err                             err;

    ASSERT(json_check(text, &limits, &err) == 0 && json_tree_parse(text, &tree, &err) == 0);
    struct json_member *members = json_node_members(arena, tree, &n);
    ASSERT(n >= 4 && str_is(members[0].name, "time") && str_is(members[3].name, "message"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {
        "a",  "b",  "c",  "d",  "e",  "f",  "g",  "h",  "i",  "j",  "k",  "l", "m",  "n",
        "o",  "p",  "q",  "r",  "s",  "t",  "u",  "v",  "w",  "x",  "y",  "z", "A1", "B1",
        "C1", "D1", "E1", "F1", "G1", "H1", "I1", "J1", "K1", "L1", "M1", "N1"
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct log_field               fields[FIELDS_MAX];
    size_t                         n = 0;
    struct str                     sentence, part;

    if (size < 3 || size > 60000)
        return 0;
    struct str rest = { .p = (const char *)data + 2, .n = size - 2 };
    str_next(&rest, '\n', &sentence);
    while (n < FIELDS_MAX && n < data[1] && str_next(&rest, '\n', &part)) {
        fields[n] = part.n == 0 ? (struct log_field)LOG_I(keys[n], -(int64_t)size)
                                : (struct log_field)LOG_S(keys[n], part);
        n++;
    }
    size_t          n_node  = n < NODE_FIELDS ? n : NODE_FIELDS;
    struct log_node node    = { .fields = fields, .n_fields = n_node };
    bool            is_json = (data[0] & 1) != 0;
    struct str      line =
        capture(arena, is_json, &node, fields + n_node, n - n_node, str_dup(arena, sentence));

    check_line(line);
    /* Our own reader refuses an escaped NUL, which JSON allows. */
    if (is_json && memchr(data + 2, 0, size - 2) == NULL)
        check_json(arena, line);
    return 0;
}
