/* Plays every transcript of a directory: in whole pieces, byte by byte, and with failing
 * allocations. One case for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "transcripts/script.h"

enum { PATH_BYTES = 4096, FAILURES_MAX = 5000 };

enum way { WAY_WHOLE, WAY_BYTES, WAY_NO_MEMORY, WAY_COUNT };

static const char *const way_names[] = {"whole", "byte by byte", "without memory"};

struct transcript {
    char path[PATH_BYTES];
    char name[512]; /* of the case: the file's, and the way */
    enum way way;
};

typedef void drive_fn(const struct script *script, size_t chunk, struct script_outcome *outcome);

static drive_fn *driver_of(const struct transcript *transcript)
{
    return strncmp(transcript->name, "user_", 5) == 0 ? drive_user : drive_server;
}

static void assert_as_written(const struct transcript *transcript, const struct script *script,
                              size_t chunk)
{
    struct script_outcome outcome;
    driver_of(transcript)(script, chunk, &outcome);
    if (!outcome.as_written)
        fail_msg("%s: %s", transcript->name, outcome.why);
}

/* Whatever allocation fails: the dialogue goes on as written, or the PI ends it and says why. */
static void assert_survives(const struct transcript *transcript, const struct script *script)
{
    for (unsigned long nth = 1; nth < FAILURES_MAX; nth++) {
        struct script_outcome outcome;
        alloc_fail_from(nth);
        driver_of(transcript)(script, SIZE_MAX, &outcome);
        unsigned long asked = alloc_count();
        alloc_fail_from(0);
        if (asked < nth)
            return;
        if (!outcome.as_written && outcome.fault == FERRY_OK)
            fail_msg("%s: allocation %lu failed: %s", transcript->name, nth, outcome.why);
    }
    fail_msg("%s: too many allocations", transcript->name);
}

static void play(void **state)
{
    const struct transcript *transcript = *state;
    static struct script script;
    script_load(&script, transcript->path);
    if (transcript->way == WAY_NO_MEMORY)
        assert_survives(transcript, &script);
    else
        assert_as_written(transcript, &script, transcript->way == WAY_BYTES ? 1 : SIZE_MAX);
}

/* Some dialogues mean something in pieces of one size only. */
static bool applies(const char *path, enum way way)
{
    static struct script script;
    script_load(&script, path);
    return !(way == WAY_BYTES && script_has_option(&script, "whole")) &&
           !(way == WAY_WHOLE && script_has_option(&script, "bytes"));
}

static int is_transcript(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    bool named =
        strncmp(entry->d_name, "user_", 5) == 0 || strncmp(entry->d_name, "server_", 7) == 0;
    return named && end && strcmp(end, ".txt") == 0;
}

/* The cases of one file. */
static size_t add_cases(struct transcript *transcripts, struct CMUnitTest *tests,
                        const char *directory, const char *name)
{
    size_t count = 0;
    for (enum way way = WAY_WHOLE; way < WAY_COUNT; way++) {
        struct transcript *transcript = &transcripts[count];
        transcript->way = way;
        snprintf(transcript->path, sizeof(transcript->path), "%s/%s", directory, name);
        snprintf(transcript->name, sizeof(transcript->name), "%s %s", name, way_names[way]);
        if (!applies(transcript->path, way))
            continue;
        tests[count++] = (struct CMUnitTest){
            .name = transcript->name,
            .test_func = play,
            .initial_state = transcript,
        };
    }
    return count;
}

int main(int argc, char **argv)
{
    struct dirent **files = NULL;
    int file_count = argc == 2 ? scandir(argv[1], &files, is_transcript, alphasort) : -1;
    if (file_count <= 0) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    size_t most = (size_t)file_count * WAY_COUNT;
    struct transcript *transcripts = calloc(most, sizeof(*transcripts));
    struct CMUnitTest *tests = calloc(most, sizeof(*tests));
    if (!transcripts || !tests)
        return 2;

    size_t count = 0;
    for (int i = 0; i < file_count; i++) {
        count += add_cases(&transcripts[count], &tests[count], argv[1], files[i]->d_name);
        free(files[i]);
    }
    free(files);
    int failed = _cmocka_run_group_tests("transcripts", tests, count, NULL, NULL);
    free(tests);
    free(transcripts);
    return failed;
}
