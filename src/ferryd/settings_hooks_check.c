/* What of hook and check blocks is wrong beyond their values. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "ferryd/settings.h"

/* Whoever may write there runs what he likes as the user of hooks. */
static bool is_anybodys(const struct stat *status)
{
    return (status->st_mode & S_IWOTH) != 0;
}

static void check_program(struct conf *conf, const struct conf_instance *block, const char *path)
{
    struct stat status;
    if (path[0] != '/')
        conf_mistake(conf, block, "exec", "%s: the program's path must be absolute", path);
    else if (stat(path, &status) != 0)
        conf_mistake(conf, block, "exec", "%s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode) || !(status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        conf_mistake(conf, block, "exec", "%s: it is no program", path);
    else if (is_anybodys(&status))
        conf_mistake(conf, block, "exec", "%s: anybody could change it", path);
}

static bool is_url(const char *url)
{
    struct bytes text = bytes_str(url);
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (text.len > len && text_same(bytes_first(text, len), bytes_str(schemes[i])) &&
            text.ptr[len] != '/')
            return true;
    }
    return false;
}

static void check_headers(struct conf *conf, const struct conf_instance *block,
                          const struct conf_texts *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct bytes header = bytes_str(headers->list[i]);
        bool clean = bytes_find(header, ':') > 0 && bytes_find(header, ':') < header.len;
        for (size_t at = 0; at < header.len; at++)
            clean = clean && !text_is_control(header.ptr[at]);
        if (!clean)
            conf_mistake(conf, block, "header", "a header is \"Name: value\"");
    }
}

static void check_target(struct conf *conf, const struct conf_instance *block,
                         const struct settings_target *target)
{
    bool runs = target->exec.count > 0;
    if (runs == (target->url != NULL))
        conf_mistake(conf, block, runs ? "url" : NULL, "%s \"%s\" needs exec or url%s",
                     block->block->name, block->label, runs ? ", not both" : "");
    if (runs)
        check_program(conf, block, target->exec.list[0]);
    if (target->url && !is_url(target->url))
        conf_mistake(conf, block, "url", "it must begin with https:// or http://");
    check_headers(conf, block, &target->headers);
    static const char *const about_urls[] = {"header", "secret", "ca"};
    for (size_t i = 0; i < ARRAY_LEN(about_urls) && !target->url; i++)
        if (conf_is_given(block, about_urls[i]))
            conf_mistake(conf, block, about_urls[i], "it is for url, which is not set");
    if (target->ca && access(target->ca, R_OK) != 0)
        conf_mistake(conf, block, "ca", "%s: %s", target->ca, strerror(errno));
}

static void check_folders(struct conf *conf, const char *directive, const struct conf_texts *list)
{
    const struct conf_instance *global = conf_next(conf, NULL, NULL);
    struct stat status;
    for (size_t i = 0; i < list->count; i++)
        if (list->list[i][0] != '/' || stat(list->list[i], &status) != 0)
            conf_mistake(conf, global, directive, "%s: there is no such folder", list->list[i]);
}

/* What is written in place is seen before it can be asked about. */
static void check_in_place(struct conf *conf, const struct settings_target *target)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_ACCOUNT, block))) {
        const struct settings_account *account = block->values;
        if (account->upload_in_place && settings_target_matches(target, bytes_str(block->label)))
            conf_mistake(conf, block, "uploads",
                         "what is written in place is seen at once: no check can keep it out");
    }
}

void settings_hooks_check(struct conf *conf)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_HOOK, block)))
        check_target(conf, block, &((const struct settings_hook *)block->values)->to);
    while ((block = conf_next(conf, SETTINGS_CHECK, block))) {
        const struct settings_check *check = block->values;
        check_target(conf, block, &check->to);
        check_in_place(conf, &check->to);
    }
    const struct settings_hooks *hooks = &settings_global(conf)->hooks;
    check_folders(conf, "hooks_reads", &hooks->reads);
    check_folders(conf, "hooks_writes", &hooks->writes);
}
