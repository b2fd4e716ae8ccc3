/*
 * The drop. Should: leave exactly the planned capabilities, nothing inheritable or ambient, and prove it by
 * what the kernel says. Must not: set no_new_privs (set-user-ID programs and file capabilities in every
 * nested container would stop working), or leave a capability because dropping it failed. Not earlier: every
 * step before needs one of them. For uid 0 execve(2) gives permitted := inheritable | bounding
 * (capabilities(7), "Capabilities and execution of programs by root"): what counts is the bounding set.
 */
#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/steps.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>

/* The kernel's own count: prctl(2) answers EINVAL beyond the last capability it knows. */
static capset read_bounding_set(void)
{
    capset set = 0;

    for (unsigned number = 0; number < 64; number++) {
        int held = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (held < 0)
            break;
        if (held > 0)
            set |= CAPSET_ONE(number);
    }
    return set;
}

int step_bounding_set(capset keep, struct outcome *outcome, struct err *e)
{
    capset before = read_bounding_set(), dropped = before & ~keep;

    if (!dropped) {
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    for (unsigned number = 0; number < 64; number++)
        if ((dropped & CAPSET_ONE(number)) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0) {
            char *name cleanup_free = capset_names(CAPSET_ONE(number));
            (void)err_errno(e, -errno, "capabilities: %s cannot be dropped from the bounding set", name);
            return err_hint(e, "add CAP_SETPCAP (it is in the default set of docker run), or set "
                               "capabilities.profile: compat");
        }
    capset after = read_bounding_set();
    if (after & ~keep) {
        char *names cleanup_free = capset_names(after & ~keep);
        return err_set(e, -EPERM, "capabilities: still in the bounding set after the drop: %s", names);
    }
    char *names cleanup_free = capset_names(dropped);
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "dropped for good: %s", names);
    return 0;
}

static int verify(capset allowed, struct err *e)
{
    static const struct {
        const char *name;
        bool must_be_empty;
    } sets[] = {{"CapInh", true}, {"CapAmb", true}, {"CapPrm", false}, {"CapEff", false}};
    cleanup_text struct text status = {0};

    int r = file_read_kernel("/proc/self/status", &status, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        capset held = 0;
        if (!status_capset(text_get(&status), sets[i].name, &held))
            return err_set(e, -EPROTO, "capabilities: no %s in /proc/self/status", sets[i].name);
        capset surplus = held & ~(sets[i].must_be_empty ? 0 : allowed);
        if (surplus) {
            char *names cleanup_free = capset_names(surplus);
            return err_set(e, -EPERM, "capabilities: %s still holds %s after the drop", sets[i].name, names);
        }
    }
    return 0;
}

/* What was dropped must not come back. The kernel's rule is the same for every capability: one refusal proves
 * it. */
static int try_to_regain(capset allowed, struct err *e)
{
    unsigned number = 0;

    while (number <= CAP_LAST_CAP && (allowed & CAPSET_ONE(number)))
        number++;
    if (number > CAP_LAST_CAP)
        return 0;
    (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, number);
    if (capng_apply(CAPNG_SELECT_CAPS) == 0) {
        char *name cleanup_free = capset_names(CAPSET_ONE(number));
        return err_set(e, -EPERM, "capabilities: %s could be regained after the drop", name);
    }
    (void)capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, number);
    return 0;
}

int step_capabilities(capset keep, struct outcome *outcome, struct err *e)
{
    struct text status = {0};
    capset permitted = 0;

    int r = file_read_kernel("/proc/self/status", &status, e);
    if (r == 0 && !status_capset(text_get(&status), "CapPrm", &permitted))
        r = err_set(e, -EPROTO, "capabilities: no CapPrm in /proc/self/status");
    text_free(&status);
    if (r < 0)
        return r;
    keep &= permitted;

    capng_clear(CAPNG_SELECT_CAPS);
    for (unsigned number = 0; number < 64; number++)
        if (keep & CAPSET_ONE(number))
            (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, number);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) {
        (void)err_errno(e, -errno, "capabilities: the sets cannot be reduced");
        return err_hint(e, "set capabilities.profile: compat");
    }
    r = verify(keep, e);
    if (r == 0)
        r = try_to_regain(keep, e);
    outcome->kind = OUTCOME_DONE;
    return r;
}
