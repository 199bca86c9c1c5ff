/* replay.c: the main of a fuzz target without a fuzzer. Runs every file that it is given, and the empty
 * input, through LLVMFuzzerTestOneInput; a file that takes longer than five seconds ends the run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECONDS_MAX = 5, INPUT_MAX = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size)
{
    alarm(SECONDS_MAX);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }

    /* Exactly as large as the input, so that a read past its end is seen. */
    uint8_t *room = malloc(INPUT_MAX);
    size_t   size = fread(room, 1, INPUT_MAX, file);
    uint8_t *data = realloc(room, size > 0 ? size : 1);
    fclose(file);

    fprintf(stderr, "%s\r", path);
    run(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        if (run_file(argv[i]) < 0)
            return 1;
    }
    return 0;
}
