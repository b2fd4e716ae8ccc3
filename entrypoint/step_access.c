/*
 * api.allow: who may reach the API's port. Should: stand, for IPv4 and IPv6, before anything listens there.
 * Must not: touch chains of others beyond one jump, nor go on when a rule could not be made. Not before the
 * choice of iptables: rules of one kind are invisible to the other. Not later: CAP_NET_ADMIN may go.
 */
#include "entrypoint/access.h"
#include "entrypoint/launch.h"
#include "entrypoint/rootless.h"
#include "entrypoint/steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESOLVE_SECONDS = 15, MAX_ANSWER = 64 * 1024 };

/* In a child of its own, since getaddrinfo(3) knows no bound on its time: one address a line. */
static _Noreturn void resolve_and_tell(const char *name, int output)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char text[NI_MAXHOST];

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        _exit(1);
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
            (void)dprintf(output, "%s\n", text);
    _exit(0);
}

static bool read_answer(int input, struct text *answer)
{
    char block[4096];

    for (;;) {
        struct pollfd wait = {.fd = input, .events = POLLIN};
        if (poll(&wait, 1, RESOLVE_SECONDS * 1000) <= 0 || answer->length > MAX_ANSWER)
            return false;
        ssize_t length = read(input, block, sizeof(block));
        if (length <= 0)
            return length == 0;
        text_add_n(answer, block, (size_t)length);
    }
}

/* A link-local address has its interface behind a '%'; the interface is for the rules to say. */
static void add_addresses(struct strings *sources, const char *answer)
{
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, answer, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        char *address cleanup_free = str_dup_n(lines.items[i], strcspn(lines.items[i], "%"));
        if (!strings_have(sources, address))
            strings_add(sources, address);
    }
}

static int resolve(const char *name, struct strings *sources, struct err *e)
{
    cleanup_text struct text answer = {0};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(e, -errno, "api.allow: %s", name);
    cleanup_close int input = ends[0];
    pid_t pid = fork();
    if (pid == 0)
        resolve_and_tell(name, ends[1]);
    (void)close(ends[1]);
    if (pid < 0)
        return err_errno(e, -errno, "api.allow: fork");
    bool whole = read_answer(input, &answer);
    if (!whole)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (whole && answer.length) {
        add_addresses(sources, text_get(&answer));
        return 0;
    }
    (void)err_set(e, -ENOENT, "api.allow: %s %s", name,
        whole ? "is no name that can be resolved here" : "could not be resolved in time");
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "start the container of that name first, or write its address or network instead");
}

static int resolve_all(const struct strings *allow, struct strings *sources, struct err *e)
{
    struct in6_addr ignored;
    int r = 0;

    for (size_t i = 0; r == 0 && i < allow->count; i++) {
        const char *item = allow->items[i];
        if (strchr(item, '/') || strchr(item, ':') || inet_pton(AF_INET, item, &ignored) == 1)
            strings_add(sources, item);
        else
            r = resolve(item, sources, e);
    }
    return r;
}

int step_access(const struct work *work, struct outcome *outcome, struct err *e)
{
    const struct settings *s = work->settings;
    const struct host *host = work->host;
    cleanup_strings struct strings sources = {0}, interfaces = {0};
    struct access_rules rules = {
        .port = work->plan->port, .sources = &sources, .allow_nested = s->api.allow_nested};
    char *path cleanup_free =
        work->applied->iptables_legacy ? str_format(LEGACY_FOLDER ":%s", host->path) : str_dup(host->path);
    int r = resolve_all(&s->api.allow, &sources, e);

    if (work->plan->mode == MODE_ROOTLESS) {
        rules.nested_by_user = true;
        rules.user = host->user.uid;
        rules.loopback_out_of_reach = rootless_hides_loopback(s);
    }
    if (r == 0)
        r = access_put_in_place(&rules, &interfaces, host->network.interface, path, e);
    char *from cleanup_free = strings_join(&sources, ", ");
    char *by cleanup_free = strings_join(&interfaces, ", ");
    outcome->kind = OUTCOME_DONE;
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "%s, by %s", from, by);
    return r;
}
