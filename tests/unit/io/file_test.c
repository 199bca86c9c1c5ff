/* file_test.c: files beneath a directory handle: nothing leads out of it, what is there is whole, and every
 * failure names the file and the reason. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "scratch.h"

struct place {
    char          path[SCRATCH_MAX];
    int           dir;
    struct arena *arena;
    struct err    err;
};

int file_test_setup(void **state)
{
    struct place *place = mem_new(struct place);

    scratch_make(place->path);
    place->arena = arena_new();
    CHECK_OK(file_open_dir(place->path, false, &place->dir, &place->err), &place->err);
    *state = place;
    return 0;
}

int file_test_teardown(void **state)
{
    struct place *place = *state;

    file_close(&place->dir);
    scratch_remove(place->path);
    arena_free(&place->arena);
    mem_free(place);
    return 0;
}

static void put(struct place *place, const char *name, const char *text)
{
    CHECK_OK(file_replace_at(place->dir, name, str_from(text), &place->err), &place->err);
}

static struct str get(struct place *place, const char *name)
{
    struct str text;

    CHECK_OK(file_read_all(place->dir, name, 16384, place->arena, &text, &place->err), &place->err);
    return text;
}

static int n_entries(const char *path)
{
    DIR *dir = opendir(path);
    int  n   = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static mode_t mode_of(struct place *place, const char *name)
{
    struct stat info;

    assert_int_equal(fstatat(place->dir, name, &info, AT_SYMLINK_NOFOLLOW), 0);
    return info.st_mode & 07777;
}

void test_file_replace_writes_and_replaces_whole(void **state)
{
    struct place *place = *state;

    put(place, "a", "first and long");
    put(place, "a", "second");
    CHECK_STR(get(place, "a"), "second");
    assert_int_equal(mode_of(place, "a"), 0600);
    assert_int_equal(n_entries(place->path), 1);
}

void test_file_replace_failing_leaves_the_old_content_and_no_stray(void **state)
{
    struct place *place = *state;
    struct rlimit old;
    struct str    big = { .p = mem_alloc(place->arena, 10000), .n = 10000 };

    put(place, "a", "old");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ .rlim_cur = 100, .rlim_max = old.rlim_max });
    int result = file_replace_at(place->dir, "a", big, &place->err);
    setrlimit(RLIMIT_FSIZE, &old);

    CHECK_FAILS(result, &place->err, ERR_UNAVAILABLE);
    assert_int_equal(place->err.os, EFBIG);
    CHECK_STR(get(place, "a"), "old");
    assert_int_equal(n_entries(place->path), 1);
}

void test_file_open_tells_absent_from_present(void **state)
{
    struct place *place = *state;
    int           fd    = -1;

    CHECK_FAILS(file_open_at(place->dir, "none", O_RDONLY, &fd, &place->err), &place->err,
                ERR_NOT_FOUND);
    put(place, "a", "x");
    CHECK_FAILS(file_open_at(place->dir, "a", O_WRONLY | O_CREAT | O_EXCL, &fd, &place->err),
                &place->err, ERR_EXISTS);
    assert_int_equal(fd, -1);
}

void test_file_open_closes_on_exec(void **state)
{
    struct place        *place = *state;
    AUTO(file_close) int fd    = -1;

    put(place, "a", "x");
    CHECK_OK(file_open_at(place->dir, "a", O_RDONLY, &fd, &place->err), &place->err);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

void test_file_nothing_leads_out_of_the_directory(void **state)
{
    static const char *const names[] = { "../x", "/etc/passwd",   "sub/../../x",
                                         "link", "linked/secret", "sub/up/x",
                                         "" };
    struct place            *place   = *state;
    int                      fd      = -1;
    struct str               text;

    CHECK_OK(file_make_dir_at(place->dir, "sub", &place->err), &place->err);
    assert_int_equal(symlinkat("/etc/passwd", place->dir, "link"), 0);
    assert_int_equal(symlinkat("sub", place->dir, "linked"), 0);
    assert_int_equal(symlinkat("..", place->dir, "sub/up"), 0);
    put(place, "sub/secret", "x");

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(file_open_at(place->dir, names[i], O_RDONLY, &fd, &place->err), -1);
        assert_int_equal(file_read_all(place->dir, names[i], 10, place->arena, &text, &place->err),
                         -1);
        assert_int_equal(fd, -1);
    }
    CHECK_FAILS(file_open_at(place->dir, "linked/secret", O_RDONLY, &fd, &place->err), &place->err,
                ERR_CORRUPT);
    CHECK_FAILS(file_replace_at(place->dir, "linked/new", STR("x"), &place->err), &place->err,
                ERR_CORRUPT);
    CHECK_FAILS(file_remove_at(place->dir, "linked/secret", &place->err), &place->err, ERR_CORRUPT);
    CHECK_FAILS(file_make_dir_at(place->dir, "linked/deep", &place->err), &place->err, ERR_CORRUPT);
    CHECK_FAILS(file_rename_at(place->dir, "sub/secret", "../out", &place->err), &place->err,
                ERR_CORRUPT);
    CHECK_STR(get(place, "sub/secret"), "x");
}

void test_file_replace_and_remove_take_the_link_not_its_target(void **state)
{
    struct place *place = *state;

    put(place, "target", "safe");
    assert_int_equal(symlinkat("target", place->dir, "a"), 0);
    put(place, "a", "own");
    CHECK_STR(get(place, "a"), "own");
    CHECK_STR(get(place, "target"), "safe");

    assert_int_equal(symlinkat("target", place->dir, "b"), 0);
    CHECK_OK(file_remove_at(place->dir, "b", &place->err), &place->err);
    CHECK_STR(get(place, "target"), "safe");
}

void test_file_make_dir_makes_all_and_accepts_what_is_there(void **state)
{
    struct place *place = *state;

    CHECK_OK(file_make_dir_at(place->dir, "one/two/three", &place->err), &place->err);
    CHECK_OK(file_make_dir_at(place->dir, "one/two/three", &place->err), &place->err);
    assert_int_equal(mode_of(place, "one"), 0700);
    assert_int_equal(mode_of(place, "one/two/three"), 0700);

    put(place, "file", "x");
    CHECK_FAILS(file_make_dir_at(place->dir, "file", &place->err), &place->err, ERR_UNAVAILABLE);
    CHECK_FAILS(file_make_dir_at(place->dir, "one//two", &place->err), &place->err, ERR_INVALID);
    CHECK_FAILS(file_make_dir_at(place->dir, "../out", &place->err), &place->err, ERR_CORRUPT);
}

void test_file_open_dir_makes_the_path(void **state)
{
    struct place        *place = *state;
    AUTO(file_close) int fd    = -1;
    const char          *deep  = scratch_path(place->path, "x/y/z/");

    CHECK_FAILS(file_open_dir(deep, false, &fd, &place->err), &place->err, ERR_NOT_FOUND);
    CHECK_OK(file_open_dir(deep, true, &fd, &place->err), &place->err);
    assert_int_equal(mode_of(place, "x/y/z"), 0700);
}

void test_file_open_dir_refuses_a_link_and_a_file(void **state)
{
    static const char *const names[] = { "link", "link/", "link//", "link/./" };
    struct place            *place   = *state;
    int                      fd      = -1;

    CHECK_OK(file_make_dir_at(place->dir, "real", &place->err), &place->err);
    assert_int_equal(symlinkat("real", place->dir, "link"), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK_FAILS(file_open_dir(scratch_path(place->path, names[i]), true, &fd, &place->err),
                    &place->err, ERR_DENIED);

    put(place, "file", "x");
    CHECK_FAILS(file_open_dir(scratch_path(place->path, "file"), true, &fd, &place->err),
                &place->err, ERR_UNAVAILABLE);
    CHECK_FAILS(file_open_dir("", true, &fd, &place->err), &place->err, ERR_INVALID);
}

void test_file_open_dir_may_lead_through_a_link(void **state)
{
    struct place        *place = *state;
    AUTO(file_close) int fd    = -1;

    CHECK_OK(file_make_dir_at(place->dir, "real", &place->err), &place->err);
    assert_int_equal(symlinkat("real", place->dir, "link"), 0);
    CHECK_OK(file_open_dir(scratch_path(place->path, "link/new"), true, &fd, &place->err),
             &place->err);
    assert_int_equal(mode_of(place, "real/new"), 0700);
}

void test_file_read_all_is_bounded(void **state)
{
    struct place *place = *state;
    struct str    text;

    put(place, "a", "12345");
    CHECK_OK(file_read_all(place->dir, "a", 5, place->arena, &text, &place->err), &place->err);
    CHECK_STR(text, "12345");
    CHECK_FAILS(file_read_all(place->dir, "a", 4, place->arena, &text, &place->err), &place->err,
                ERR_TOO_LARGE);
    put(place, "a", "");
    CHECK_OK(file_read_all(place->dir, "a", 0, place->arena, &text, &place->err), &place->err);
    CHECK_STR(text, "");
}

void test_file_read_path_follows_links(void **state)
{
    struct place *place = *state;
    struct str    text;

    put(place, "a", "mounted");
    assert_int_equal(symlinkat("a", place->dir, "link"), 0);
    CHECK_OK(file_read_path(scratch_path(place->path, "link"), 100, place->arena, &text,
                            &place->err),
             &place->err);
    CHECK_STR(text, "mounted");
    CHECK_FAILS(file_read_path(scratch_path(place->path, "b"), 100, place->arena, &text,
                               &place->err),
                &place->err, ERR_NOT_FOUND);
}

void test_file_write_all_at_an_offset_and_at_the_end(void **state)
{
    struct place        *place = *state;
    AUTO(file_close) int fd    = -1;
    int64_t              size;

    CHECK_OK(file_open_at(place->dir, "a", O_RDWR | O_CREAT | O_EXCL, &fd, &place->err),
             &place->err);
    CHECK_OK(file_write_all(fd, STR("abc"), -1, &place->err), &place->err);
    CHECK_OK(file_write_all(fd, STR("def"), -1, &place->err), &place->err);
    CHECK_OK(file_write_all(fd, STR("XY"), 1, &place->err), &place->err);
    CHECK_OK(file_sync(fd, &place->err), &place->err);
    CHECK_OK(file_size(fd, &size, &place->err), &place->err);
    assert_int_equal(size, 6);
    CHECK_STR(get(place, "a"), "aXYdef");
}

/* A file system that takes none of it so says 0; what it takes is there, and other writes go on as before. */
void test_file_write_direct_takes_whole_pages(void **state)
{
    enum { SIZE = 2 * FILE_DIRECT_ALIGN };
    struct place        *place = *state;
    AUTO(file_close) int fd    = -1;
    char                *room  = mem_alloc(place->arena, SIZE + FILE_DIRECT_ALIGN);
    struct str pages = { .p = room + FILE_DIRECT_ALIGN - (uintptr_t)room % FILE_DIRECT_ALIGN,
                         .n = SIZE };
    size_t     n     = SIZE_MAX;
    int64_t    size;

    assert_true(file_may_be_direct(pages, 0));
    assert_true(file_may_be_direct(pages, FILE_DIRECT_ALIGN));
    assert_false(file_may_be_direct(pages, 512));
    assert_false(file_may_be_direct(str_from_index(pages, 1), 0));
    assert_false(file_may_be_direct(str_sub(pages, 0, 100), 0));
    assert_false(file_may_be_direct(STR(""), 0));

    CHECK_OK(file_open_at(place->dir, "a", O_RDWR | O_CREAT | O_EXCL, &fd, &place->err),
             &place->err);
    memset((char *)(uintptr_t)pages.p, 'x', SIZE);
    CHECK_OK(file_write_direct(fd, pages, 0, &n, &place->err), &place->err);
    assert_true(n == 0 || n == SIZE);
    CHECK_OK(file_size(fd, &size, &place->err), &place->err);
    assert_int_equal(size, n);
    assert_int_equal(fcntl(fd, F_GETFL) & O_DIRECT, 0);
    CHECK_OK(file_write_all(fd, str_from_index(pages, n), (int64_t)n, &place->err), &place->err);
    CHECK_OK(file_write_all(fd, STR("end"), SIZE, &place->err), &place->err);
    CHECK_STR(str_from_index(get(place, "a"), SIZE - 3), "xxxend");
}

void test_file_write_to_a_full_device_is_full(void **state)
{
    struct place        *place = *state;
    AUTO(file_close) int dev   = -1;
    AUTO(file_close) int fd    = -1;

    CHECK_OK(file_open_dir("/dev", false, &dev, &place->err), &place->err);
    CHECK_OK(file_open_at(dev, "full", O_WRONLY, &fd, &place->err), &place->err);
    CHECK_FAILS(file_write_all(fd, STR("x"), -1, &place->err), &place->err, ERR_FULL);
}

void test_file_rename_moves_between_folders(void **state)
{
    struct place *place = *state;

    CHECK_OK(file_make_dir_at(place->dir, "to", &place->err), &place->err);
    put(place, "a", "x");
    CHECK_OK(file_rename_at(place->dir, "a", "to/b", &place->err), &place->err);
    CHECK_STR(get(place, "to/b"), "x");
    CHECK_FAILS(file_rename_at(place->dir, "a", "to/b", &place->err), &place->err, ERR_NOT_FOUND);
}

void test_file_remove_accepts_absence(void **state)
{
    struct place *place = *state;

    put(place, "a", "x");
    CHECK_OK(file_remove_at(place->dir, "a", &place->err), &place->err);
    CHECK_OK(file_remove_at(place->dir, "a", &place->err), &place->err);
    CHECK_OK(file_remove_at(place->dir, "no/folder/a", &place->err), &place->err);
    assert_int_equal(n_entries(place->path), 0);
    CHECK_OK(file_make_dir_at(place->dir, "folder", &place->err), &place->err);
    CHECK_FAILS(file_remove_at(place->dir, "folder", &place->err), &place->err, ERR_UNAVAILABLE);
}

void test_file_lock_is_exclusive_and_ends_with_the_descriptor(void **state)
{
    struct place *place  = *state;
    int           first  = -1;
    int           second = -1;

    CHECK_OK(file_lock_at(place->dir, "lock", &first, &place->err), &place->err);
    CHECK_FAILS(file_lock_at(place->dir, "lock", &second, &place->err), &place->err, ERR_CONFLICT);
    assert_int_equal(second, -1);
    file_close(&first);
    assert_int_equal(first, -1);
    CHECK_OK(file_lock_at(place->dir, "lock", &second, &place->err), &place->err);
    file_close(&second);
    file_close(&second);
}

void test_file_space_and_folder_sync(void **state)
{
    struct place *place = *state;
    int64_t       free_bytes;
    int64_t       total;

    CHECK_OK(file_space(place->dir, &free_bytes, &total, &place->err), &place->err);
    assert_true(free_bytes >= 0 && free_bytes <= total && total > 0);
    CHECK_OK(file_sync_dir(place->dir, ".", &place->err), &place->err);
    CHECK_FAILS(file_sync_dir(place->dir, "none", &place->err), &place->err, ERR_NOT_FOUND);
}
