#include "watch.h"

#include "base/deadline.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

void watch_begin(struct watch *watch)
{
    *watch = (struct watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
}

static void forget(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        free(watch->folders[i].name);
    free(watch->folders);
    watch->folders = NULL;
    watch->count = 0;
}

void watch_end(struct watch *watch)
{
    forget(watch);
    if (watch->fd >= 0)
        (void)close(watch->fd);
    watch->fd = -1;
}

static void watch_one(struct watch *watch, const char *path)
{
    char *above cleanup_free = path_folder(path), *folder cleanup_free = file_nearest_folder(above);
    int id = inotify_add_watch(
        watch->fd, folder, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_ONLYDIR);

    if (id < 0)
        return;
    const char *next = path + strlen(folder);
    next += strspn(next, "/");
    watch->folders[watch->count].id = id;
    watch->folders[watch->count++].name = str_dup_n(next, strcspn(next, "/"));
}

static bool is_watched(const struct watch *watch, const struct inotify_event *event)
{
    for (size_t i = 0; i < watch->count; i++)
        if (event->wd == watch->folders[i].id && event->len &&
            strcmp(event->name, watch->folders[i].name) == 0)
            return true;
    return false;
}

/* Takes all that has happened. */
static bool take_events(struct watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    bool found = false;

    for (;;) {
        ssize_t n = read(watch->fd, events, sizeof(events));
        if (n <= 0)
            return found;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(events + at);
            found = found || is_watched(watch, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
}

void watch_paths(struct watch *watch, const struct strings *paths)
{
    if (watch->fd < 0)
        return;
    for (size_t i = 0; i < watch->count; i++)
        (void)inotify_rm_watch(watch->fd, watch->folders[i].id);
    forget(watch);
    (void)take_events(watch);
    watch->folders = mem_zero(paths->count, sizeof(*watch->folders));
    for (size_t i = 0; i < paths->count; i++)
        watch_one(watch, paths->items[i]);
}

bool watch_wait(struct watch *watch, int milliseconds)
{
    long long deadline = deadline_in(milliseconds);

    while (deadline_wait(watch->fd, POLLIN, deadline) == 0)
        if (take_events(watch))
            return true;
    return false;
}
