/* A transcript read into memory: README.md says what its lines mean. */
#ifndef FERRY_TESTS_SCRIPT_H
#define FERRY_TESTS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ferry/error.h"

enum { SCRIPT_MAX_BYTES = 128 * 1024, SCRIPT_MAX_LINES = 2000, SCRIPT_WHY_BYTES = 1024 };

struct script_line {
    char kind;         /* 'C', 'S', 'E', 'D', 'O' */
    size_t number;     /* in the file, from 1 */
    struct bytes text; /* C and S: as on the wire, CRLF included; else as written */
};

struct script {
    char data[SCRIPT_MAX_BYTES];
    struct script_line lines[SCRIPT_MAX_LINES];
    size_t count;
};

/* How a dialogue went. */
struct script_outcome {
    bool as_written;
    char why[SCRIPT_WHY_BYTES]; /* not as written: where, and what came instead */
    enum ferry_error fault;     /* the PI's, when it ended; FERRY_E_MEMORY if there was no PI */
};

/* Reads a file. Asserts that it can be read (cmocka). */
void script_load(struct script *script, const char *path);

/* Whether the file has the line "O: option". */
bool script_has_option(const struct script *script, const char *option);

/* The number behind "O: option "; `otherwise` if there is no such line. */
uint64_t script_number_option(const struct script *script, const char *option, uint64_t otherwise);

/* Turns `\r` and the like in `text` into bytes, in place; `\c` at the end, or sets *open. */
struct bytes script_unescape(char *text, bool *open);

/* The pieces of a side that follow one another from line `first` on, as one; *next is the line
 * behind them. */
struct bytes script_piece(const struct script *script, size_t first, size_t *next);

/* Whether `output` begins with the line `expected` (or with what is before its " ..."), and how
 * long that line is. */
bool script_line_matches(struct bytes expected, struct bytes output, size_t *len);

/* Whether `got` is `expected`, or begins with it and a blank. */
bool script_words_match(struct bytes expected, const char *got);

/* Notes that the dialogue did not go as line `at` has it. Returns false. */
bool script_differs(struct script_outcome *outcome, const struct script_line *at, const char *what,
                    struct bytes got);

/* Plays the script, `chunk` bytes at a time. They use no base/alloc of their own but for the PI, so
 * that its allocations can be made to fail. */
void drive_user(const struct script *script, size_t chunk, struct script_outcome *outcome);
void drive_server(const struct script *script, size_t chunk, struct script_outcome *outcome);

#endif
