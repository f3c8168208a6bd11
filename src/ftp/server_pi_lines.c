/* The lines that the server-PI takes: off the input, or put by while a transfer runs. */
#include "ftp/server_pi_private.h"

/* Before each line that was put by. */
static const char mark_ready = 'R', mark_too_long = 'L';

void server_pi_drop_input(struct server_pi *pi)
{
    buf_wipe(&pi->input);
    buf_wipe(&pi->waiting);
}

size_t server_pi_unread(const struct server_pi *pi)
{
    return buf_len(&pi->input) + buf_len(&pi->waiting);
}

/* Drops what was read; when all was, no trace of it is left, for it may have held a PASS (SEC-81).
 */
static void drop(struct buf *buf, size_t len)
{
    if (len == buf_len(buf))
        buf_wipe(buf);
    else
        buf_consume(buf, len);
}

/* Notes since when a line has been begun and not ended. */
static void watch_line(struct server_pi *pi, bool begun)
{
    if (begun && !pi->line_begun)
        pi->line_since_ns = pi->now_ns;
    pi->line_begun = begun;
}

/* Reads a line off the input. */
static bool read_line(struct server_pi *pi)
{
    struct bytes in = buf_view(&pi->input);
    size_t before = in.len;
    pi->line_result = line_next(&pi->reader, &in, &pi->line, &pi->output);
    drop(&pi->input, before - in.len);
    watch_line(pi, pi->line_result == LINE_WANTED && line_is_partial(&pi->reader));

    switch (pi->line_result) {
    case LINE_WANTED:
        return false;
    case LINE_READY:
    case LINE_TOO_LONG:
        return true;
    case LINE_BROKEN:
        server_pi_close_421(pi, FERRY_E_PROTOCOL, "Telnet subnegotiation without an end");
        return false;
    case LINE_NO_MEMORY:
        server_pi_fail(pi, FERRY_E_MEMORY, "no memory for a command");
        return false;
    }
    return false;
}

/* --- lines that wait --- */

/* Puts the line that was read behind those that wait. No line holds a LF. */
static bool put_by(struct server_pi *pi)
{
    bool ready = pi->line_result == LINE_READY;
    enum ferry_error error =
        buf_append(&pi->waiting, bytes_of(ready ? &mark_ready : &mark_too_long, 1));
    if (error == FERRY_OK && ready)
        error = buf_append(&pi->waiting, pi->line);
    if (error == FERRY_OK)
        error = buf_append(&pi->waiting, BYTES_LIT("\n"));
    if (error != FERRY_OK)
        server_pi_fail(pi, error, "no memory for a command");
    return error == FERRY_OK;
}

/* Takes the first of those that wait, out of a copy, so that no view of it is lost with the rest.
 */
static bool take_waiting(struct server_pi *pi)
{
    struct bytes rest = buf_view(&pi->waiting);
    size_t before = rest.len;
    if (before == 0)
        return false;
    struct bytes line = bytes_cut(&rest, '\n');
    pi->line_result = line.ptr[0] == mark_ready ? LINE_READY : LINE_TOO_LONG;
    if (buf_append(&pi->taken, bytes_skip(line, 1)) != FERRY_OK) {
        server_pi_fail(pi, FERRY_E_MEMORY, "no memory for a command");
        return false;
    }
    pi->line = buf_view(&pi->taken);
    drop(&pi->waiting, before - rest.len);
    return true;
}

/* Whether the line that was read need not wait for the end of the transfer (FTP-23, FTP-69): no
 * reply overtakes that of a command that waits, but ABOR's (RFC 959 section 4.1.3). */
static bool overtakes(const struct server_pi *pi)
{
    struct command command;
    if (pi->line_result != LINE_READY || command_parse(pi->line, &command) != FERRY_OK ||
        command.verb == VERB_NONE)
        return false;
    if (command.verb == VERB_ABOR)
        return true;
    bool needs_path = command.verb == VERB_STAT && command.argument.len > 0;
    return (verb_row(command.verb)->allowed & ALLOWED_TRANSFER) && !needs_path &&
           buf_len(&pi->waiting) == 0;
}

bool server_pi_next_line(struct server_pi *pi)
{
    buf_wipe(&pi->taken);
    if (pi->work != PI_WORK_TRANSFER)
        return take_waiting(pi) || (pi->phase == PI_PHASE_OPEN && read_line(pi));
    while (read_line(pi)) {
        if (overtakes(pi))
            return true;
        if (!put_by(pi))
            return false;
    }
    return false;
}
