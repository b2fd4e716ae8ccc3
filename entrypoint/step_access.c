/*
 * api.allow: who may reach the API's port. Should: stand, for IPv4 and IPv6, before anything listens there.
 * Must not: touch chains of others beyond one jump, nor go on when a rule could not be made. Not before the
 * choice of iptables: rules of one kind are invisible to the other. Not later: CAP_NET_ADMIN may go.
 */
#include "entrypoint/access.h"
#include "entrypoint/access_sources.h"
#include "entrypoint/launch.h"
#include "entrypoint/rootless.h"
#include "entrypoint/steps.h"

#include <stdio.h>

enum { RESOLVE_MILLISECONDS = 15000 };

int step_access(const struct work *work, struct outcome *outcome, struct err *e)
{
    const struct settings *s = work->settings;
    const struct host *host = work->host;
    cleanup_strings struct strings sources = {0}, interfaces = {0};
    struct access_rules rules = {
        .port = work->plan->port, .sources = &sources, .allow_nested = s->api.allow_nested};
    char *path cleanup_free = applied_path(work->applied, host);
    int r = access_sources(&s->api.allow, RESOLVE_MILLISECONDS, &sources, e);

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
