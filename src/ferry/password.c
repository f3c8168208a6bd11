/* Where the login comes from. */
#include "ferry/password.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ferry/ask.h"
#include "ferry/netrc.h"
#include "ferry/say.h"

static enum exit_code keep(struct bytes value, struct secret **out)
{
    enum ferry_error error = secret_new(value, out);
    if (error == FERRY_OK)
        return EXIT_DONE;
    say(error == FERRY_E_LIMIT ? "the password is too long" : "out of memory");
    return error == FERRY_E_LIMIT ? EXIT_USAGE : EXIT_LOCAL;
}

/* The first line of the file, or of standard input if it is "-". */
static enum exit_code read_password_file(const char *path, struct secret **out)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "re");
    char line[SECRET_MAX_BYTES + 2];
    bool read_in = file && fgets(line, sizeof(line), file);
    if (!read_in)
        say("%s: no password can be read: %s", path, file ? "it is empty" : strerror(errno));
    if (file && !standard_input)
        fclose(file);
    if (!read_in)
        return EXIT_LOCAL;
    enum exit_code code = keep(bytes_first(bytes_str(line), strcspn(line, "\r\n")), out);
    secret_wipe(line, sizeof(line));
    return code;
}

/* Takes the password from where the command line or the environment says. `*out` stays NULL:
 * neither says anything. */
static enum exit_code take_given(const struct settings *settings, const struct url *url,
                                 struct secret **out)
{
    if (url->password) {
        say("a password in a URL is seen by others: better use FERRY_PASSWORD, --password-file or "
            "~/.netrc");
        return keep(secret_reveal(url->password), out);
    }
    if (settings->password_file)
        return read_password_file(settings->password_file, out);
    const char *variable = getenv("FERRY_PASSWORD");
    return variable ? keep(bytes_str(variable), out) : EXIT_DONE;
}

enum exit_code password_set(ferry_session *session, const struct settings *settings,
                            const struct url *url)
{
    CLEANUP(secret_drop) struct secret *password = NULL;
    CLEANUP(netrc_login_fini) struct netrc_login entry = {0};
    enum exit_code code = take_given(settings, url, &password);
    if (code != EXIT_DONE)
        return code;

    bool open_to_others = false;
    bool found = netrc_look_up(url->host, url->user, &entry, &open_to_others);
    if (open_to_others && !password)
        say("~/.netrc is not used: others may read it (chmod 600 ~/.netrc)");
    const char *user = url->user ? url->user : entry.user;
    if (!user)
        return EXIT_DONE;
    if (!password && found) {
        password = entry.password;
        entry.password = NULL;
    }
    if (!password && !ask_password(user, url->host, &password))
        password = NULL;
    if (ferry_set_login(session, user, password ? secret_reveal(password).ptr : NULL) == FERRY_OK)
        return EXIT_DONE;
    struct ferry_failure failure = ferry_failure_of(session);
    say_failure(&failure);
    return EXIT_USAGE;
}
