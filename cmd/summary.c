#include "summary.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/report.h"
#include "collect/screen.h"
#include "say.h"

#define SECOND_NS 1000000000ull

static const char clear_terminal[] = "\033[H\033[J";

static uint64_t interval_ns(const struct summary *summary)
{
    return summary->terminal ? SECOND_NS : 10 * SECOND_NS;
}

/* Renaming over a device or a pipe would replace it. */
static bool replaceable(const char *path)
{
    struct stat file;
    return stat(path, &file) != 0 || S_ISREG(file.st_mode);
}

static int open_json(struct summary *summary)
{
    if (strcmp(summary->path, "-") == 0) {
        summary->json = stdout;
        return 0;
    }
    if (replaceable(summary->path) && asprintf(&summary->temporary, "%s.tmp", summary->path) < 0) {
        summary->temporary = NULL;
        return -ENOMEM;
    }
    const char *path = summary->temporary != NULL ? summary->temporary : summary->path;
    summary->json = fopen(path, "we");
    return summary->json == NULL ? -errno : 0;
}

int summary_open(struct summary *summary, const char *json, bool live)
{
    *summary = (struct summary){.path = json, .live = live, .terminal = isatty(STDERR_FILENO) == 1};
    summary->next_ns = clock_now_ns() + interval_ns(summary);
    int rc = json == NULL ? 0 : open_json(summary);
    if (rc != 0) {
        say("can't write %s: %s", json, strerror(-rc));
        free(summary->temporary);
        summary->temporary = NULL;
    }
    return rc;
}

int summary_wait_ms(const struct summary *summary)
{
    uint64_t now_ns = clock_now_ns();
    if (!summary->live)
        return -1;
    return now_ns >= summary->next_ns ? 0 : (int)((summary->next_ns - now_ns) / 1000000) + 1;
}

static void say_memory(void)
{
    say("out of memory");
}

/* Composed first and written at once: a table that is redrawn does not flicker. */
static void show(const struct receive_counts *counts, const struct series_view *view, bool clear)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    if (file == NULL) {
        say_memory();
        return;
    }
    fputs(clear ? clear_terminal : "", file);
    screen_write(file, counts, view);
    if (fclose(file) == 0)
        fwrite(text, 1, n, stderr);
    free(text);
}

void summary_tick(struct summary *summary, struct intake *intake)
{
    struct series_view view;
    if (!summary->live || clock_now_ns() < summary->next_ns)
        return;
    summary->next_ns = clock_now_ns() + interval_ns(summary);
    if (series_view(intake->series, &view) != 0) {
        say_memory();
        return;
    }
    show(intake_counts(intake), &view, summary->terminal);
    series_view_free(&view);
}

static int close_json(struct summary *summary)
{
    FILE *file = summary->json;
    bool bad = fflush(file) != 0 || ferror(file);
    int error = errno;
    summary->json = NULL;
    if (file != stdout && fclose(file) != 0 && !bad) {
        bad = true;
        error = errno;
    }
    if (!bad && summary->temporary != NULL && rename(summary->temporary, summary->path) != 0) {
        bad = true;
        error = errno;
    }
    return bad ? -(error != 0 ? error : EIO) : 0;
}

static int write_json(struct summary *summary, const struct receive_counts *counts,
                      const struct series_view *view)
{
    if (summary->json == NULL)
        return 0;
    report_write(summary->json, counts, view);
    int rc = close_json(summary);
    if (rc != 0)
        say("can't write %s: %s", summary->path, strerror(-rc));
    else
        free(summary->temporary);
    if (rc == 0)
        summary->temporary = NULL;
    return rc;
}

int summary_finish(struct summary *summary, struct intake *intake)
{
    struct series_view view;
    int rc = series_view(intake->series, &view);
    if (rc != 0) {
        say_memory();
    } else {
        show(intake_counts(intake), &view, summary->live && summary->terminal);
        rc = write_json(summary, intake_counts(intake), &view);
        series_view_free(&view);
    }
    summary_close(summary);
    return rc;
}

void summary_close(struct summary *summary)
{
    if (summary->json != NULL && summary->json != stdout)
        fclose(summary->json);
    if (summary->temporary != NULL)
        unlink(summary->temporary);
    free(summary->temporary);
    *summary = (struct summary){0};
}
