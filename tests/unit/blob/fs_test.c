/* fs_test.c: the directory of the fs driver: what is accepted at start, what lies where, and what happens
 * when somebody works on it behind our back. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "fixture.h"

int fs_test_setup(void **state)
{
    *state = fixture_new();
    return 0;
}

int fs_test_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_free(&f);
    return 0;
}

static const char *in_store(struct fixture *f, const char *name)
{
    return mem_printf(f->arena, "%s/store/%s", f->dir, name);
}

static int open_store(struct fixture *f, struct str id)
{
    char *url = mem_printf(f->arena, "file:%s/store", f->dir);

    return blob_store_open(str_from(url), id, f->arena, &f->id, &f->store, &f->err);
}

static void reopen(struct fixture *f)
{
    blob_store_close(&f->store);
    CHECK_OK(open_store(f, f->id), &f->err);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(lstat(path, &info), 0);
    return info.st_mode & 07777;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

void test_fs_new_store_gets_an_id_and_knows_it_again(void **state)
{
    struct fixture *f = *state;
    struct str      id;

    CHECK_OK(open_store(f, STR("")), &f->err);
    id = f->id;
    assert_int_equal(id.n, 32);
    fixture_put(f, "text");
    reopen(f);
    assert_true(str_eq(f->id, id));
    CHECK_STR(fixture_get(f, f->object), "text");
}

void test_fs_url_forms(void **state)
{
    static const char *const good[] = { "file:%s/a", "file://%s/b", "file:%s/c/d/" };
    static const char *const bad[]  = { "", "file", "ftp:/x", "s3:bucket", "mem:x", "/x", ":" };
    struct fixture          *f      = *state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct buf url;

        buf_init(&url, f->arena, 1024);
        buf_str(&url, str_sub(str_from(good[i]), 0, (size_t)str_find(str_from(good[i]), '%')));
        buf_text(&url, f->dir);
        buf_text(&url, strchr(good[i], '%') + 2);
        CHECK_OK(blob_store_open(buf_view(&url), STR(""), f->arena, &f->id, &f->store, &f->err),
                 &f->err);
        blob_store_close(&f->store);
        blob_store_close(&f->store);
    }
    assert_true(is_there(scratch_path(f->dir, "b/assay-store")));
    assert_true(is_there(scratch_path(f->dir, "c/d/assay-store")));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(blob_store_open(str_from(bad[i]), STR(""), f->arena, &f->id, &f->store,
                                    &f->err),
                    &f->err, ERR_INVALID);
}

void test_fs_modes_are_private(void **state)
{
    struct fixture *f = *state;

    umask(0);
    CHECK_OK(open_store(f, STR("")), &f->err);
    fixture_put(f, "text");
    assert_int_equal(mode_of(in_store(f, "")), 0700);
    assert_int_equal(mode_of(in_store(f, "blobs")), 0700);
    assert_int_equal(mode_of(in_store(f, "blobs/sha256/e3")), 0700);
    assert_int_equal(mode_of(in_store(f, "uploads")), 0700);
    assert_int_equal(mode_of(in_store(f, "assay-store")), 0600);
    assert_int_equal(mode_of(in_store(f, f->object)), 0600);
    umask(022);
}

void test_fs_a_missing_marker_or_directory_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct str      id;

    CHECK_OK(open_store(f, STR("")), &f->err);
    id = f->id;
    blob_store_close(&f->store);

    assert_int_equal(unlink(in_store(f, "assay-store")), 0);
    CHECK_FAILS(open_store(f, id), &f->err, ERR_UNAVAILABLE);
    assert_false(is_there(in_store(f, "assay-store")));

    scratch_remove(in_store(f, ""));
    CHECK_FAILS(open_store(f, id), &f->err, ERR_UNAVAILABLE);
    assert_false(is_there(in_store(f, "")));
}

void test_fs_another_store_is_unavailable(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_store_close(&f->store);
    CHECK_FAILS(open_store(f, STR("00000000000000000000000000000000")), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(open_store(f, STR("short")), &f->err, ERR_CORRUPT);
}

void test_fs_a_damaged_marker_is_told(void **state)
{
    static const struct {
        const char   *text;
        enum err_kind kind;
    } cases[] = {
        { "", ERR_CORRUPT },
        { "assay-store 1 ", ERR_CORRUPT },
        { "assay-store 1 00000000000000000000000000000000", ERR_CORRUPT },
        { "assay-store 1 0000000000000000000000000000000G\n", ERR_CORRUPT },
        { "assay-store 1 000000000000000000000000000000000\n", ERR_CORRUPT },
        { "assay-store 2 00000000000000000000000000000000\n", ERR_UNAVAILABLE },
        { "something else\n", ERR_CORRUPT },
    };
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_store_close(&f->store);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        write_file(in_store(f, "assay-store"), cases[i].text);
        CHECK_FAILS(open_store(f, STR("00000000000000000000000000000000")), &f->err, cases[i].kind);
    }
}

void test_fs_a_new_database_takes_only_an_empty_directory(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    fixture_put(f, "text");
    blob_store_close(&f->store);
    CHECK_FAILS(open_store(f, STR("")), &f->err, ERR_CONFLICT);

    CHECK_OK(open_store(f, f->id), &f->err);
    CHECK_OK(blob_remove(f->store, str_from(f->object), &f->err), &f->err);
    blob_store_close(&f->store);
    scratch_remove(in_store(f, "blobs"));
    write_file(in_store(f, "notes.txt"), "mine");
    CHECK_FAILS(open_store(f, STR("")), &f->err, ERR_CONFLICT);
}

void test_fs_an_interrupted_first_start_is_taken_up(void **state)
{
    struct fixture *f = *state;
    struct str      id;

    assert_int_equal(mkdir(in_store(f, ""), 0700), 0);
    assert_int_equal(mkdir(in_store(f, "lost+found"), 0700), 0);
    assert_int_equal(mkdir(in_store(f, "blobs"), 0700), 0);
    write_file(in_store(f, ".assay-store.0123456789abcdef"), "ass");
    CHECK_OK(open_store(f, STR("")), &f->err);
    id = f->id;
    CHECK_OK(blob_probe(f->store, &f->err), &f->err);
    blob_store_close(&f->store);

    CHECK_OK(open_store(f, STR("")), &f->err);
    assert_true(str_eq(f->id, id));
}

void test_fs_refuses_what_others_may_write(void **state)
{
    static const char *const names[] = { "", "blobs", "uploads" };
    static const mode_t      modes[] = { 0770, 0707, 0777, 01777 };
    struct fixture          *f       = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_store_close(&f->store);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t k = 0; k < ARRAY_LEN(modes); k++) {
            assert_int_equal(chmod(in_store(f, names[i]), modes[k]), 0);
            CHECK_FAILS(open_store(f, f->id), &f->err, ERR_DENIED);
        }
        assert_int_equal(chmod(in_store(f, names[i]), 0750), 0);
    }
    CHECK_OK(open_store(f, f->id), &f->err);
}

void test_fs_refuses_a_foreign_owner(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_store_close(&f->store);
    assert_int_equal(chown(in_store(f, "blobs"), 12345, 12345), 0);
    CHECK_FAILS(open_store(f, f->id), &f->err, ERR_DENIED);
}

void test_fs_refuses_links(void **state)
{
    static const char *const names[] = { "blobs", "uploads", "assay-store" };
    struct fixture          *f       = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_store_close(&f->store);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *aside = scratch_path(f->dir, "aside");

        assert_int_equal(rename(in_store(f, names[i]), aside), 0);
        assert_int_equal(symlink(aside, in_store(f, names[i])), 0);
        assert_int_equal(open_store(f, f->id), -1);
        assert_int_equal(unlink(in_store(f, names[i])), 0);
        assert_int_equal(rename(aside, in_store(f, names[i])), 0);
    }

    assert_int_equal(rename(in_store(f, ""), scratch_path(f->dir, "aside")), 0);
    assert_int_equal(symlink("aside", scratch_path(f->dir, "store")), 0);
    CHECK_FAILS(open_store(f, f->id), &f->err, ERR_DENIED);
    CHECK_FAILS(open_store(f, STR("")), &f->err, ERR_DENIED);
}

void test_fs_does_not_read_or_write_through_links(void **state)
{
    struct fixture     *f = *state;
    struct blob_reader *reader;
    struct blob_writer *writer;

    CHECK_OK(open_store(f, STR("")), &f->err);
    fixture_put(f, "text");
    assert_int_equal(unlink(in_store(f, f->object)), 0);
    assert_int_equal(symlink("/etc/passwd", in_store(f, f->object)), 0);
    CHECK_FAILS(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err, ERR_CORRUPT);
    assert_int_equal(fixture_count(f), 0);

    write_file(scratch_path(f->dir, "canary"), "safe");
    assert_int_equal(symlink(scratch_path(f->dir, "canary"), in_store(f, f->upload)), 0);
    CHECK_FAILS(blob_resume(f->store, str_from(f->upload), 0, &writer, &f->err), &f->err,
                ERR_CORRUPT);

    fixture_keys(f);
    assert_int_equal(unlink(in_store(f, f->object)), -1);
    scratch_remove(in_store(f, "blobs/sha256"));
    assert_int_equal(symlink("/tmp", in_store(f, "blobs/sha256")), 0);
    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    CHECK_FAILS(blob_finish(&writer, str_from(f->object), &f->err), &f->err, ERR_CORRUPT);
}

void test_fs_strange_names_are_no_objects(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    fixture_put(f, "text");
    write_file(in_store(f, "blobs/sha256/e3/notes.txt"), "x");
    write_file(in_store(f, "blobs/readme"), "x");
    assert_int_equal(mkdir(in_store(f, "blobs/sha256/zz"), 0700), 0);
    assert_int_equal(fixture_count(f), 1);
}

void test_fs_makes_a_removed_shard_again(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    fixture_put(f, "one");
    scratch_remove(in_store(f, "blobs"));
    fixture_put(f, "two");
    CHECK_STR(fixture_get(f, f->object), "two");
}

void test_fs_keeps_sha512_apart(void **state)
{
    static const char digest[] =
        "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
    struct fixture     *f = *state;
    struct blob_writer *writer;

    CHECK_OK(open_store(f, STR("")), &f->err);
    blob_object_key(str_from(digest), f->object);
    assert_true(str_starts(str_from(f->object), STR("blobs/sha512/cf/cf83")));
    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    CHECK_STR(fixture_get(f, f->object), "");
    assert_int_equal(fixture_count(f), 1);
}

void test_fs_probe_notices_a_directory_that_went_away(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    CHECK_OK(blob_probe(f->store, &f->err), &f->err);

    /* The volume is unmounted: the path shows an empty directory. */
    assert_int_equal(rename(in_store(f, ""), scratch_path(f->dir, "volume")), 0);
    CHECK_FAILS(blob_probe(f->store, &f->err), &f->err, ERR_UNAVAILABLE);
    assert_int_equal(mkdir(in_store(f, ""), 0700), 0);
    CHECK_FAILS(blob_probe(f->store, &f->err), &f->err, ERR_UNAVAILABLE);

    scratch_remove(in_store(f, ""));
    assert_int_equal(rename(scratch_path(f->dir, "volume"), scratch_path(f->dir, "store")), 0);
    CHECK_OK(blob_probe(f->store, &f->err), &f->err);
}

/* What each step does while the volume is away, with a writer that began before. */
static void check_nothing_is_acknowledged(struct fixture *f, struct blob_writer *writer)
{
    struct blob_writer *none = NULL;

    CHECK_FAILS(blob_is_here(f->store, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_flush(writer, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_begin(f->store, STR("uploads/0123456789abcdef0123456789abcdef"), &none,
                           &f->err),
                &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_remove(f->store, str_from(f->object), &f->err), &f->err, ERR_UNAVAILABLE);
}

void test_fs_acknowledges_nothing_while_its_volume_is_away(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = NULL;

    CHECK_OK(open_store(f, STR("")), &f->err);
    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    CHECK_OK(blob_write(writer, STR("bytes"), &f->err), &f->err);
    assert_int_equal(rename(in_store(f, ""), scratch_path(f->dir, "volume")), 0);
    check_nothing_is_acknowledged(f, writer);
    assert_int_equal(mkdir(in_store(f, ""), 0700), 0);
    check_nothing_is_acknowledged(f, writer);
    CHECK_FAILS(blob_finish(&writer, str_from(f->object), &f->err), &f->err, ERR_UNAVAILABLE);
}

/* Another directory with the marker is how a volume comes back; whatever began on the old one ends nowhere. */
void test_fs_takes_its_volume_up_again(void **state)
{
    struct fixture     *f   = *state;
    struct blob_writer *old = NULL;

    CHECK_OK(open_store(f, STR("")), &f->err);
    CHECK_OK(blob_begin(f->store, str_from(f->upload), &old, &f->err), &f->err);
    assert_int_equal(rename(in_store(f, ""), scratch_path(f->dir, "volume")), 0);
    assert_int_equal(mkdir(in_store(f, ""), 0700), 0);
    write_file(in_store(f, "assay-store"),
               mem_printf(f->arena, "assay-store 1 " STR_FMT "\n", STR_ARGS(f->id)));
    CHECK_OK(blob_probe(f->store, &f->err), &f->err);
    CHECK_OK(blob_is_here(f->store, &f->err), &f->err);

    CHECK_FAILS(blob_flush(old, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_finish(&old, str_from(f->object), &f->err), &f->err, ERR_UNAVAILABLE);
    fixture_put(f, "bytes");
    assert_true(is_there(in_store(f, f->object)));
}

void test_fs_probe_notices_a_lost_marker(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(open_store(f, STR("")), &f->err);
    assert_int_equal(unlink(in_store(f, "assay-store")), 0);
    CHECK_FAILS(blob_probe(f->store, &f->err), &f->err, ERR_UNAVAILABLE);
}

static int with_file_limit(struct fixture *f, rlim_t limit, int (*work)(struct fixture *f))
{
    struct rlimit old;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ .rlim_cur = limit, .rlim_max = old.rlim_max });
    int result = work(f);
    setrlimit(RLIMIT_FSIZE, &old);
    return result;
}

static int write_beyond_the_limit(struct fixture *f)
{
    struct blob_writer *writer;

    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    CHECK_OK(blob_write(writer, STR("fits"), &f->err), &f->err);
    CHECK_OK(blob_flush(writer, &f->err), &f->err);
    int result = blob_write(writer, STR(" and this does not"), &f->err);
    blob_writer_close(&writer);
    return result;
}

void test_fs_a_write_that_fails_names_the_upload_and_can_be_resumed(void **state)
{
    struct fixture     *f = *state;
    struct blob_writer *writer;

    CHECK_OK(open_store(f, STR("")), &f->err);
    CHECK_FAILS(with_file_limit(f, 10, write_beyond_the_limit), &f->err, ERR_UNAVAILABLE);
    assert_true(str_starts(str_from(f->err.text), str_from(f->upload)));

    CHECK_OK(blob_resume(f->store, str_from(f->upload), 4, &writer, &f->err), &f->err);
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    CHECK_STR(fixture_get(f, f->object), "fits");
}
