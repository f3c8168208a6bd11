/* What the supervisor tells of changes. */
#include "ferryd/supervisor/tell.h"

#include <stdio.h>

#include "ferryd/say.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/identity.h"

static size_t count_of(const struct conf *conf, const char *name)
{
    size_t count = 0;
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, name, block)))
        count++;
    return count;
}

static void tell_certificates(const struct log *log, enum log_level level, const char *event,
                              const struct conf *conf, const char *reason)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_LISTEN, block))) {
        if (!((const struct settings_listen *)block->values)->host.certificate)
            continue;
        if (reason)
            log_event(log, level, event, F_STR("listen", block->label), F_STR("reason", reason),
                      F_STR("side", "server"),
                      F_STR("advice", "the mistakes are in the events before; the old one serves"));
        else
            log_event(log, level, event, F_STR("listen", block->label));
    }
}

void tell_changed(const struct log *log, enum tell_change change, const struct conf *conf)
{
    switch (change) {
    case TELL_START:
    case TELL_RELOAD:
        log_event(log, LOG_LEVEL_NOTICE, change == TELL_START ? "server.start" : "server.reload",
                  F_U64("listeners", count_of(conf, SETTINGS_LISTEN)),
                  F_U64("accounts", count_of(conf, SETTINGS_ACCOUNT)));
        break;
    case TELL_RENEWAL:
        tell_certificates(log, LOG_LEVEL_NOTICE, "certificate.renewed", conf, NULL);
        break;
    }
}

static void print_refused(const char *path, const struct conf *conf, const struct fault *why)
{
    if (conf)
        say_mistakes(stderr, conf);
    if (fault_is_set(why))
        fprintf(stderr, "%s: %s\n", path, why->what);
    if (why->advice[0])
        fprintf(stderr, "%s: %s\n", path, why->advice);
}

static void tell_mistakes(const struct log *log, const char *path, const struct conf *conf,
                          const struct fault *why)
{
    const struct check_mistake *mistake;
    if (conf)
        TAILQ_FOREACH (mistake, &conf->check.list, link)
            log_event(log, LOG_LEVEL_ERROR, "config.mistake", F_STR("file", mistake->file),
                      F_U64("line", mistake->line), F_STR("reason", mistake->text),
                      F_STR("side", "server"), F_STR("advice", "correct it, and reload"));
    if (fault_is_set(why))
        log_event(log, LOG_LEVEL_ERROR, "config.mistake", F_STR("file", path), F_U64("line", 0),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_VISIBLE("advice", why->advice[0] ? why->advice : "correct it, and reload"));
}

void tell_refused(const struct log *log, enum tell_change change, const char *path,
                  const struct conf *conf, const struct fault *why)
{
    if (change == TELL_START) {
        print_refused(path, conf, why);
        return;
    }
    tell_mistakes(log, path, conf, why);
    if (change == TELL_RENEWAL)
        tell_certificates(log, LOG_LEVEL_ERROR, "certificate.kept", conf,
                          "the new files cannot be used");
    else
        log_event(log, LOG_LEVEL_ERROR, "reload.refused",
                  F_U64("mistakes", (conf ? conf->check.count : 0) + fault_is_set(why)),
                  F_STR("reason", "the new configuration cannot be used"), F_STR("side", "server"),
                  F_STR("advice", "the old rules hold; ferryd check shows the mistakes"));
}

void tell_root(const struct log *log)
{
    static const enum role roles[] = {ROLE_KEYS, ROLE_AUTH, ROLE_WORKER};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct identity identity;
        bool own;
        if (identity_of_role(roles[i], CONFINE_TRY, &identity, &own, NULL) != FERRY_OK || own)
            continue;
        log_event(log, LOG_LEVEL_ERROR, "server.root", F_STR("role", role_name(roles[i])),
                  F_STR("reason", "there is no user of its own for it, so it runs as root"),
                  F_STR("side", "server"),
                  F_STR("advice", "make the users: see sysusers.d/ferryd.conf"));
    }
}
