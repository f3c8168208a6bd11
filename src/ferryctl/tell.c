/* What a server answered, for people. */
#include "ferryctl/tell.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static const char *or_dash(const char *value)
{
    return value[0] ? value : "-";
}

enum { SIZE_BYTES = 32 };

/* "1.5 MiB" */
static const char *size_text(json_int_t bytes, char out[static SIZE_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(out, SIZE_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

static const char *span_text(json_int_t seconds, char out[static SIZE_BYTES])
{
    long long s = seconds;
    if (s >= 24 * 3600)
        snprintf(out, SIZE_BYTES, "%lldd %lldh", s / (24 * 3600), s / 3600 % 24);
    else if (s >= 3600)
        snprintf(out, SIZE_BYTES, "%lldh %lldmin", s / 3600, s / 60 % 60);
    else
        snprintf(out, SIZE_BYTES, "%lldmin %llds", s / 60, s % 60);
    return out;
}

/* ---- status ---- */

static void tell_processes(const json_t *status)
{
    size_t i;
    const json_t *process;
    printf("\n%-8s %8s %-9s %s\n", "PROCESS", "PID", "PHASE", "NOT CONFINED");
    json_array_foreach(json_object_get(status, "processes"), i, process)
        printf("%-8s %8lld %-9s %s\n", text(process, "role"), (long long)number(process, "pid"),
               text(process, "phase"), or_dash(text(process, "unconfined")));
}

static void tell_restarts(const json_t *status)
{
    const char *role;
    json_t *count;
    json_object_foreach(json_object_get(status, "restarts"), role, count)
        printf("restarted: %s, %lld times\n", role, (long long)json_integer_value(count));
}

static void tell_certificates(const json_t *status)
{
    size_t i;
    const json_t *row;
    const json_t *rows = json_object_get(status, "certificates");
    json_int_t worker = number(json_array_get(rows, 0), "worker");
    if (json_array_size(rows) > 0)
        printf("\n%-21s %-28s %s\n", "CERTIFICATE UNTIL", "OF", "NAMES");
    json_array_foreach(rows, i, row) /* each worker has the same */
        if (number(row, "worker") == worker)
            printf("%-21s %-28s %s\n", text(row, "not_after"), text(row, "listens"),
                   or_dash(text(row, "names")));
}

void tell_status(const json_t *status)
{
    char span[SIZE_BYTES];
    char up[SIZE_BYTES];
    char down[SIZE_BYTES];
    printf("ferryd %s, up for %s, since %s\n", text(status, "version"),
           span_text(number(status, "uptime"), span), text(status, "started"));
    printf("configuration: %s, loaded %s\n", text(status, "configuration"), text(status, "loaded"));
    if (text(status, "reload_refused")[0])
        printf("the last reload was refused: %s\n", text(status, "reload_refused"));
    printf("sessions: %lld, transfers: %lld, up %s/s, down %s/s\n",
           (long long)number(status, "sessions"), (long long)number(status, "transfers"),
           size_text(number(status, "rate_up"), up), size_text(number(status, "rate_down"), down));
    printf("logins: %lld, refused: %lld, recent failures: %lld\n",
           (long long)number(status, "logins"), (long long)number(status, "logins_refused"),
           (long long)number(status, "failures"));
    tell_restarts(status);
    tell_processes(status);
    tell_certificates(status);
}

/* ---- lists ---- */

static void tell_transfer(const json_t *session)
{
    char bytes[SIZE_BYTES];
    char rate[SIZE_BYTES];
    if (text(session, "path")[0])
        printf("    %s %s, %s, %s/s\n", text(session, "command"), text(session, "path"),
               size_text(number(session, "bytes"), bytes),
               size_text(number(session, "rate"), rate));
}

void tell_sessions(const json_t *sessions)
{
    size_t i;
    const json_t *row;
    printf("%-18s %-16s %-24s %-21s %-8s %s\n", "SESSION", "ACCOUNT", "FROM", "SINCE", "TLS",
           "COMMAND");
    json_array_foreach(sessions, i, row)
    {
        printf("%-18lld %-16s %-24s %-21s %-8s %s\n", (long long)number(row, "session"),
               flag(row, "logged_in") ? text(row, "account") : "-", text(row, "peer"),
               text(row, "since"), or_dash(text(row, "tls")), or_dash(text(row, "command")));
        tell_transfer(row);
    }
}

void tell_accounts(const json_t *accounts)
{
    size_t i;
    const json_t *row;
    printf("%-20s %-9s %8s %-26s %-12s %s\n", "ACCOUNT", "STATE", "SESSIONS", "LOGIN", "FROM",
           "HOME");
    json_array_foreach(accounts, i, row)
        printf("%-20s %-9s %8lld %-26s %-12s %s\n", text(row, "account"),
               flag(row, "disabled") ? "disabled" : "enabled", (long long)number(row, "sessions"),
               text(row, "login"), text(row, "source"), or_dash(text(row, "home")));
}

void tell_bans(const json_t *bans)
{
    size_t i;
    const json_t *row;
    if (json_array_size(bans) == 0)
        puts("nobody is banned");
    json_array_foreach(bans, i, row) printf("%-40s until %s, %s\n", text(row, "address"),
                                            text(row, "until"), text(row, "reason"));
}

/* ---- deeds ---- */

void tell_kicked(const json_t *result)
{
    long long ended = (long long)number(result, "ended");
    printf("%lld session%s ended\n", ended, ended == 1 ? "" : "s");
}

void tell_reloaded(const json_t *result)
{
    printf("%s is loaded\n", text(result, "configuration"));
}

void tell_draining(const json_t *result)
{
    (void)result;
    puts("the server takes no new sessions and ends when those it has are over, or their grace is");
}

void tell_banned(const json_t *result)
{
    printf("done: %s\n", text(result, "address"));
}

void tell_event(const json_t *event)
{
    const char *name;
    const json_t *value;
    printf("%s %s %s", text(event, "time"), text(event, "level"), text(event, "event"));
    json_object_foreach((json_t *)(uintptr_t)event, name, value)
    {
        if (strcmp(name, "time") == 0 || strcmp(name, "level") == 0 || strcmp(name, "event") == 0)
            continue;
        const char *words = json_string_value(value);
        bool plain = words && words[0] && !strpbrk(words, " \"=");
        if (words)
            printf(plain ? " %s=%s" : " %s=\"%s\"", name, words);
        else if (json_is_integer(value))
            printf(" %s=%lld", name, (long long)json_integer_value(value));
        else
            printf(" %s=%.3f", name, json_real_value(value));
    }
    putchar('\n');
}
