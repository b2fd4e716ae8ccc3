/* The second stage of a rootless start: what the engine expects in rootlesskit's namespaces, and what nobody
 * could do or try outside. What and why: moby contrib/dockerd-rootless.sh, the part for its child. */
#include "entrypoint/plan.h"

struct rootless_child plan_child(const struct plan *plan, const struct host *host)
{
    /* Nothing is tried where a driver is chosen, or where the facts have told already. */
    bool tried = !plan->storage_driver && !plan->storage_choice && !host->data_on_overlay;

    return (struct rootless_child){
        .data_root = tried ? host->data_root : NULL, .guarded_port = plan->guarded_port};
}

static int add(struct plan *plan, enum step_kind kind, char *what, const char *why, bool fatal, struct err *e)
{
    return plan_add(plan,
        (struct step){.phase = PHASE_INSIDE, .kind = kind, .what = what, .why = str_dup(why), .fatal = fatal},
        e);
}

int plan_inside(struct plan *plan, const struct rootless_child *child, struct err *e)
{
    int r = add(plan, STEP_RUN_LINKS,
        str_dup("remove the links docker, containerd and xtables.lock from the copy of /run"),
        "they lead out of it; the engine and iptables make their own", false, e);

    if (r == 0)
        r = add(plan, STEP_RUN_LABEL, str_dup("label /run for iptables where SELinux is on"),
            "iptables may write only below a folder with that label", false, e);
    if (r == 0)
        r = add(plan, STEP_CA_CERTIFICATES,
            str_dup("lay the folder that /etc/ssl leads to in its place, if that is a link out of the copy "
                    "of /etc"),
            "not everything that looks for CA certificates follows it", false, e);
    if (r == 0)
        r = add(plan, STEP_FORWARDING,
            str_dup("turn forwarding on in the network of the engine's containers, for IPv4 and IPv6"),
            "nested networks need it, and not every engine turns it on", false, e);
    if (r == 0 && child->guarded_port)
        r = add(plan, STEP_ACCESS_INSIDE,
            str_format(
                "drop what comes from nested containers to TCP port %lld, IPv6 too", child->guarded_port),
            "they reach it by their gateway, which no rule outside sees", true, e);
    if (r == 0 && child->data_root)
        r = add(plan, STEP_STORAGE_INSIDE, str_format("mount an overlay in %s for a trial", child->data_root),
            "only a mount tells whether the engine's storage works there, and only here the user may mount",
            false, e);
    return r;
}
