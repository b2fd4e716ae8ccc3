/*
 * Which iptables the engine will run: the one on nf_tables or the legacy one. Rules of one kind are invisible
 * to the other, so what is in use already decides; then what works. Should: ask the kernel to load what is
 * missing, while CAP_SYS_MODULE is there. Must not: run the legacy program to find out whether it works
 * before nf_tables is ruled out (it would load the legacy modules, and so decide by looking). Not later:
 * CAP_SYS_MODULE and CAP_NET_ADMIN may go, and the engine must find the right one first in PATH.
 */
#include "entrypoint/launch.h"
#include "entrypoint/process.h"
#include "entrypoint/steps.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { PROBE_SECONDS = 10 };

/*
 * Asking for an unknown interface by name makes the kernel load a module of that name when the caller has
 * CAP_SYS_MODULE (net/core/dev_ioctl.c, dev_load): the host's own modprobe runs, and no /lib/modules is
 * needed in the image. That there is no such interface afterwards is the normal answer.
 */
static void request_module(const char *name)
{
    struct ifreq request = {0};
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    (void)strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    (void)ioctl(fd, SIOCGIFINDEX, &request);
}

static bool works(const char *path)
{
    static const char *const list[] = {"iptables", "-n", "-L", NULL};
    char *search cleanup_free = str_format("PATH=%s", path);
    const char *const environment[] = {search, NULL};

    return process_run_quietly(list, path, environment, PROBE_SECONDS) == 0;
}

static void request_legacy(void)
{
    request_module("ip_tables");
    request_module("ip6_tables");
}

static bool choose(const struct host *host, struct outcome *outcome)
{
    if (works(host->path)) {
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "the image's default, which works");
        return false;
    }
    request_module("nf_tables");
    if (works(host->path)) {
        (void)snprintf(
            outcome->detail, sizeof(outcome->detail), "the image's default, after loading nf_tables");
        return false;
    }
    request_legacy();
    if (host->legacy_folder && works(LEGACY_FOLDER)) {
        (void)snprintf(
            outcome->detail, sizeof(outcome->detail), "legacy, since nf_tables does not work here");
        return true;
    }
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "the image's default");
    (void)snprintf(outcome->warning, sizeof(outcome->warning),
        host->programs.iptables
            ? "`iptables -nL` fails, on nf_tables and as legacy: the engine will probably not start. On "
              "the node: modprobe nf_tables (or ip_tables), or pass --iptables=false"
            : "there is no iptables in PATH: the engine will not start unless --iptables=false");
    return false;
}

int step_iptables(
    enum iptables wanted, const struct host *host, bool *legacy, struct outcome *outcome, struct err *e)
{
    (void)e;
    outcome->kind = OUTCOME_CHOSE;
    switch (wanted) {
    case IPTABLES_NFT:
        request_module("nf_tables");
        *legacy = false;
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "the image's default, as asked");
        return 0;
    case IPTABLES_LEGACY:
        request_legacy();
        *legacy = true;
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "legacy, as asked");
        return 0;
    case IPTABLES_AUTO:
        break;
    }
    if (host->legacy_tables_used) {
        *legacy = true;
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "legacy, since legacy tables are in use");
        return 0;
    }
    *legacy = choose(host, outcome);
    return 0;
}
