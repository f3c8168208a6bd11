/* The hours of the week at which an account may log in. */
#include "account/hours.h"

#include "base/text.h"

enum { DAY_MINUTES = 24 * 60, DAYS = 7 };

static const char days[DAYS][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool take_day(struct bytes text, int *out)
{
    for (int day = 0; day < DAYS; day++) {
        if (text_same(text, bytes_str(days[day]))) {
            *out = day;
            return true;
        }
    }
    return false;
}

/* "Mon" or "Mon-Fri". */
static bool take_days(struct bytes text, int *first, int *last)
{
    struct bytes rest = text;
    struct bytes from = bytes_cut(&rest, '-');
    if (!take_day(from, first))
        return false;
    *last = *first;
    return from.len == text.len || take_day(rest, last);
}

/* "08:00"; "24:00" is the end of a day. */
static bool take_minute(struct bytes text, int *out)
{
    struct bytes rest = text;
    struct bytes hour = bytes_cut(&rest, ':');
    uint64_t hours, minutes;
    if (hour.len != 2 || rest.len != 2 || !text_u64(hour, 24, &hours) ||
        !text_u64(rest, 59, &minutes) || hours * 60 + minutes > DAY_MINUTES)
        return false;
    *out = (int)(hours * 60 + minutes);
    return true;
}

/* "08:00-18:00". */
static bool take_time(struct bytes text, int *from, int *to)
{
    struct bytes rest = text;
    struct bytes begin = bytes_cut(&rest, '-');
    if (!take_minute(begin, from) || !take_minute(rest, to))
        return false;
    if (*to <= *from)
        *to += DAY_MINUTES;
    return true;
}

static enum ferry_error add_spans(struct hours *hours, int first, int last, int from, int to)
{
    int count = (last - first + DAYS) % DAYS + 1;
    for (int i = 0; i < count; i++) {
        if (hours->count == HOURS_SPANS_MAX)
            return FERRY_E_LIMIT;
        int midnight = (first + i) % DAYS * DAY_MINUTES;
        hours->spans[hours->count++] =
            (struct hours_span){.from = midnight + from, .to = midnight + to};
    }
    return FERRY_OK;
}

/* One span: days, a time, or both. */
static enum ferry_error take_span(struct bytes text, struct hours *hours)
{
    int first = 0, last = DAYS - 1, from = 0, to = DAY_MINUTES;
    struct bytes rest = text;
    struct bytes head = bytes_cut(&rest, ' ');
    rest = text_trim(rest);
    if (take_days(head, &first, &last)) {
        if (rest.len > 0 && !take_time(rest, &from, &to))
            return FERRY_E_ARGUMENT;
    } else if (rest.len > 0 || !take_time(head, &from, &to)) {
        return FERRY_E_ARGUMENT;
    }
    return add_spans(hours, first, last, from, to);
}

enum ferry_error hours_parse(struct bytes text, struct hours *out, struct fault *fault)
{
    struct hours hours = {0};
    text = text_trim(text);
    while (text.len > 0) {
        struct bytes span = text_trim(bytes_cut(&text, ','));
        enum ferry_error error = take_span(span, &hours);
        if (error != FERRY_OK) {
            char seen[64];
            text_visible_into(seen, sizeof(seen), span);
            fault_set(fault, error,
                      error == FERRY_E_LIMIT ? "too many hours, at %s" : "%s are no hours",
                      span.len ? seen : "nothing");
            fault_advise(fault, "write them as Mon-Fri 08:00-18:00, Sat 22:00-06:00");
            return error;
        }
    }
    *out = hours;
    return FERRY_OK;
}

bool hours_contain(const struct hours *hours, int weekday, int minute)
{
    int now = (weekday + DAYS - 1) % DAYS * DAY_MINUTES + minute;
    if (hours->count == 0)
        return true;
    for (size_t i = 0; i < hours->count; i++) {
        const struct hours_span *span = &hours->spans[i];
        if ((now >= span->from && now < span->to) || now + HOURS_WEEK_MINUTES < span->to)
            return true;
    }
    return false;
}
