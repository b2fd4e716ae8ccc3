/* The report as a table. What is in it was written by a file: no control character of it reaches the
 * terminal. */
#include "base/environment.h"
#include "base/utf8.h"
#include "entrypoint/boot_report.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    MIN_WIDTH = 60,
    MAX_WIDTH = 200,
    NAME_WIDTH = 20,
    OUTCOME_WIDTH = 12,
    TIME_WIDTH = 11,
    MARK_WIDTH = sizeof(" slowest") - 1,
};

struct boot_view boot_view_of(const char *const *environment)
{
    long long columns = 0;
    struct winsize size = {0};

    if (!parse_number(environment_get(environment, "COLUMNS"), 1, UINT16_MAX, &columns) &&
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns == 0)
        return (struct boot_view){.width = 80};
    unsigned width = columns < MIN_WIDTH ? MIN_WIDTH : columns > MAX_WIDTH ? MAX_WIDTH : (unsigned)columns;
    return (struct boot_view){.width = width, .wrap = true};
}

/* Columns are counted in code points, near enough for our texts. */
static size_t add_word(struct text *out, const char *s, size_t length)
{
    size_t columns = 0, step;

    for (size_t i = 0; i < length; i += step, columns++) {
        unsigned code = 0;
        step = utf8_length(s + i, length - i, &code);
        if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            text_add(out, "?");
        else
            text_add_n(out, s + i, step);
        step = step ? step : 1;
    }
    return columns;
}

/* `lead` and the words of s, every further line with the same indentation. */
static void add_paragraph(
    struct text *out, unsigned indent, const char *lead, const char *s, struct boot_view view)
{
    size_t column = indent + strlen(lead);
    bool first = true;

    text_addf(out, "%*s%s", (int)indent, "", lead);
    for (size_t length; *s; s += length, first = false) {
        s += strspn(s, " \n");
        length = strcspn(s, " \n");
        if (length == 0)
            break;
        if (view.wrap && !first && column + 1 + length > view.width) {
            text_addf(out, "\n%*s", (int)indent + 2, "");
            column = indent + 2;
        } else if (!first) {
            text_add(out, " ");
            column++;
        }
        column += add_word(out, s, length);
    }
    text_add(out, "\n");
}

struct table {
    struct boot_view view;
    json_int_t longest; /* of all rows, for the bars */
    size_t slowest;     /* step */
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void add_time(struct text *out, json_int_t microseconds)
{
    cleanup_text struct text ms = {0};

    text_addf(&ms, "%lld.%03lld", (long long)microseconds / 1000, (long long)microseconds % 1000);
    text_addf(out, "%*s", TIME_WIDTH, text_get(&ms));
}

static void add_row(struct text *out, const struct table *t, const char *name, const char *outcome,
    json_int_t microseconds, bool slowest)
{
    unsigned fixed = NAME_WIDTH + 1 + OUTCOME_WIDTH + TIME_WIDTH + 2 + MARK_WIDTH;
    unsigned room = t->view.width > fixed ? t->view.width - fixed : 0;
    /* In floating point: a file may hold any number. */
    unsigned bar = t->longest > 0 ? (unsigned)((double)microseconds / (double)t->longest * room + 0.5) : 0;

    text_addf(out, "%-*s %-*s", NAME_WIDTH, name, OUTCOME_WIDTH, outcome);
    add_time(out, microseconds);
    if (bar > 0 || slowest)
        text_add(out, "  ");
    for (unsigned i = 0; i < bar; i++)
        text_add(out, "#");
    text_add(out, slowest ? " slowest\n" : "\n");
}

static void measure(struct table *t, const json_t *report)
{
    static const char *const parts[] = {"settings", "facts", "plan", "rootlesskit"};
    const json_t *times = json_object_get(report, "microseconds");
    json_int_t most = -1;
    size_t i;
    json_t *step;

    json_array_foreach(json_object_get(report, "steps"), i, step)
    {
        if (number_of(step, "microseconds") > most) {
            most = number_of(step, "microseconds");
            t->slowest = i;
        }
    }
    t->longest = most;
    for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (number_of(times, parts[i]) > t->longest)
            t->longest = number_of(times, parts[i]);
}

/* How long rootlesskit took to make the place for the second stage. */
static void add_rootlesskit(struct text *out, const struct table *t, const json_t *times)
{
    if (json_object_get(times, "rootlesskit"))
        add_row(out, t, "rootlesskit", "", number_of(times, "rootlesskit"), false);
}

static void add_steps(struct text *out, const struct table *t, const json_t *steps, const json_t *times)
{
    const char *before = "";
    json_t *step;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        const char *phase = text_of(step, "phase");
        char *name cleanup_free = str_format("  %.*s", NAME_WIDTH - 2, text_of(step, "step"));
        if (strcmp(phase, before) != 0) {
            if (strcmp(phase, phase_name(PHASE_INSIDE)) == 0)
                add_rootlesskit(out, t, times);
            text_addf(out, "%s\n", phase);
        }
        before = phase;
        add_row(out, t, name, text_of(step, "outcome"), number_of(step, "microseconds"), i == t->slowest);
        if (*text_of(step, "detail"))
            add_paragraph(out, 4, "", text_of(step, "detail"), t->view);
    }
}

static void add_warnings(struct text *out, const json_t *warnings, struct boot_view view)
{
    size_t count = json_array_size(warnings), i;
    json_t *warning;

    if (count == 0) {
        text_add(out, "no warnings\n");
        return;
    }
    text_addf(out, "%zu warning%s\n", count, count == 1 ? "" : "s");
    json_array_foreach(warnings, i, warning)
    {
        char *lead cleanup_free = str_format("%s: ", text_of(warning, "from"));
        add_paragraph(out, 2, lead, text_of(warning, "text"), view);
        if (*text_of(warning, "hint"))
            add_paragraph(out, 4, "hint: ", text_of(warning, "hint"), view);
    }
}

void boot_report_show(const json_t *report, bool former, struct boot_view view, struct text *out)
{
    const json_t *times = json_object_get(report, "microseconds"), *steps = json_object_get(report, "steps");
    struct table t = {.view = view};

    if (former)
        text_add(out, "This is the report of a former start: its process has ended.\n");
    text_add(out, "start of ");
    (void)add_word(out, text_of(report, "time"), strlen(text_of(report, "time")));
    text_addf(out, ", mode %s, init %s, pid %lld: %s\n\n", text_of(report, "mode"), text_of(report, "init"),
        (long long)number_of(report, "pid"), text_of(report, "result"));

    measure(&t, report);
    text_addf(out, "%-*s %-*s%*s\n", NAME_WIDTH, "step", OUTCOME_WIDTH, "outcome", TIME_WIDTH, "ms");
    add_row(out, &t, "settings", "", number_of(times, "settings"), false);
    add_row(out, &t, "facts", "", number_of(times, "facts"), false);
    add_row(out, &t, "plan", "", number_of(times, "plan"), false);
    add_steps(out, &t, steps, times);
    t.longest = 0;
    add_row(out, &t, "total", "", number_of(times, "total"), false);
    text_add(out, "\n");
    if (*text_of(report, "command"))
        add_paragraph(out, 0, "then: ", text_of(report, "command"), view);
    add_warnings(out, json_object_get(report, "warnings"), view);
}
