/* What a rootless engine needs. The words of a start are those of the shell entrypoint, where it had any. */
#include "check_parts.h"

#include "config/options.h"
#include "entrypoint/plan.h"
#include "entrypoint/rootless.h"

#include <linux/capability.h>

bool check_probe_rootlesskit(const struct check_input *in, struct check *check, struct text *finding)
{
    const char *path = in->host->programs.rootlesskit;

    text_add(finding, path ? path : "not in PATH");
    if (!path)
        check->start = str_dup("attempting to run rootless dockerd but missing 'rootlesskit' (perhaps the "
                               "'docker:dind-rootless' image variant is intended?)");
    return path;
}

static const char *program_name(enum rootless_program program)
{
    static const char *const names[] = {[ROOTLESS_DOCKERD] = "Docker Engine",
        [ROOTLESS_ROOTLESSKIT] = "rootlesskit",
        [ROOTLESS_SLIRP4NETNS] = "slirp4netns"};

    return names[program];
}

static void judge_version(const struct rootless_feature *feature, const struct check_input *in,
    struct text *finding, struct text *image, struct strings *instead)
{
    const struct program_version *version = rootless_version_for(feature, in->host);
    const char *key = options[feature->option].key;

    if (!rootless_wants(feature, in->settings, in->host) ||
        !program_version_before(version, feature->major, feature->minor))
        return;
    char *origin cleanup_free = settings_origin(in->settings, feature->option);
    text_addf(finding, "%s%s: %s (%s) needs %s %lld.%lld or later, and this is %lld.%lld",
        finding->length ? "; " : "", key, feature->value, origin, program_name(feature->program),
        feature->major, feature->minor, version->major, version->minor);
    text_addf(image, "%s%s %lld.%lld or later", image->length ? ", " : "", program_name(feature->program),
        feature->major, feature->minor);
    char *setting cleanup_free = str_format("%s: %s", key, feature->instead);
    if (!strings_have(instead, setting))
        strings_add(instead, setting);
}

bool check_probe_versions(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct rootless_feature *feature;
    cleanup_text struct text image = {0};
    cleanup_strings struct strings instead = {0};

    for (size_t i = 0; (feature = rootless_feature(i)); i++)
        judge_version(feature, in, finding, &image, &instead);
    if (!finding->length) {
        text_add(finding, "nothing is asked for that a program here is known not to have");
        return true;
    }
    char *settings cleanup_free = strings_join(&instead, "; ");
    check_advise(check, CHECK_IMAGE, "%s", text_get(&image));
    check_advise(check, CHECK_SETTINGS, "%s", settings);
    check->start = str_dup(text_get(finding));
    return false;
}

bool check_probe_subids(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_rootless *rootless = &in->host->rootless;

    const struct host_user *user = &in->host->user;

    text_addf(finding, "/etc/subuid %s and /etc/subgid %s an entry for uid %u",
        rootless->subuid ? "has" : "lacks", rootless->subgid ? "has" : "lacks", user->uid);
    if (rootless->subuid && rootless->subgid)
        return true;
    if (rootless_accounts_made(in->host)) {
        text_add(finding, ", and what is missing will be laid over them");
        return true;
    }
    if (!user->name) {
        text_add(finding, ", nor has it a line in /etc/passwd");
        check->by_user = true;
        check_advise(check, CHECK_DOCKER, "--user rootless");
        check_advise(check, CHECK_COMPOSE, "user: rootless");
        check_advise(check, CHECK_KUBERNETES, "securityContext.runAsUser: 1000");
        check->where = "or another user whom the image has been made for";
    }
    check->start = str_format("attempting to run rootless dockerd but missing necessary entries in "
                              "/etc/subuid and/or /etc/subgid for %u",
        user->uid);
    char *number cleanup_free = str_format("%u", user->uid);
    check_advise(check, CHECK_IMAGE, "add the line %s:100000:65536 to %s", user->name ? user->name : number,
        rootless->subuid   ? "/etc/subgid"
        : rootless->subgid ? "/etc/subuid"
                           : "/etc/subuid and /etc/subgid");
    return false;
}

bool check_probe_identity(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    capset missing = (CAPSET_ONE(CAP_SETUID) | CAPSET_ONE(CAP_SETGID)) & ~(host->effective & host->bounding);

    if (host->uid != 0) {
        text_addf(finding, "started as uid %u", host->uid);
        return true;
    }
    char *names cleanup_free = capset_names(missing);
    text_addf(finding, "started as root, to become %s (uid %u)%s%s",
        host->user.name ? host->user.name : "a user", host->user.uid, missing ? ", and lacks " : "", names);
    check_advise_capabilities(check, missing);
    return !missing;
}

bool check_probe_access(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct settings *s = in->settings;
    capset missing = CAPSET_ONE(CAP_NET_ADMIN) & ~in->host->effective;

    if (s->api.allow.count == 0 || !plan_tcp(s)) {
        text_add(finding, "api.allow asks for none");
        return true;
    }
    char *origin cleanup_free = settings_origin(s, OPTION_API_ALLOW);
    text_addf(finding, "api.allow (%s) asks for packet filter rules, and CAP_NET_ADMIN is %s", origin,
        missing ? "missing" : "there");
    if (in->host->uid == 0) {
        check_advise_capabilities(check, missing);
        return !missing;
    }
    check->privileged = false;
    check_advise_root(check, "--cap-add NET_ADMIN", "cap_add: [NET_ADMIN]",
        "securityContext.capabilities.add: [NET_ADMIN]");
    return !missing;
}

static bool idmap_works(const struct check_input *in, struct check *check, struct text *finding,
    const char *name, const struct host_idmap *idmap, const char *capability_name)
{
    capset missing = rootless_idmap_needs(idmap->setuid) & ~in->host->bounding;

    if (!idmap->path) {
        text_addf(finding, "%s is not in PATH", name);
        check_advise(check, CHECK_IMAGE, "%s, of the package uidmap (Alpine: shadow-uidmap), in PATH", name);
        return false;
    }
    if (idmap->nosuid) {
        text_addf(finding, "%s is on a mount with nosuid", idmap->path);
        check_advise(check, CHECK_IMAGE, "%s on a mount without nosuid", name);
        return false;
    }
    if (idmap->setuid == idmap->file_capability) {
        text_addf(finding,
            idmap->setuid ? "%s has the set-user-ID bit and a file capability, and then works by neither"
                          : "%s has neither the file capability cap_%s=ep nor the set-user-ID bit",
            idmap->path, capability_name);
        check_advise(check, CHECK_IMAGE, "chmod u-s %s && setcap cap_%s=ep %s", idmap->path, capability_name,
            idmap->path);
        return false;
    }
    if (missing) {
        char *names cleanup_free = capset_names(missing);
        text_addf(finding, "%s works by %s, but the bounding set lacks %s", idmap->path,
            idmap->setuid ? "the set-user-ID bit" : "a file capability", names);
        check_advise_capabilities(check, missing);
        if (idmap->setuid)
            check_advise(check, CHECK_IMAGE, "chmod u-s %s && setcap cap_%s=ep %s", idmap->path,
                capability_name, idmap->path);
        return false;
    }
    return true;
}

bool check_probe_idmap(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_rootless *rootless = &in->host->rootless;

    if (rootless_idmap_mended(in->host)) {
        text_addf(finding, "%s and newgidmap will be given file capabilities", rootless->newuidmap.path);
        return true;
    }
    if (!idmap_works(in, check, finding, "newuidmap", &rootless->newuidmap, "setuid") ||
        !idmap_works(in, check, finding, "newgidmap", &rootless->newgidmap, "setgid"))
        return false;
    text_addf(finding, "%s and newgidmap have %s", rootless->newuidmap.path,
        rootless->newuidmap.setuid ? "the set-user-ID bit" : "file capabilities");
    return true;
}

bool check_probe_user_namespaces(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_rootless *rootless = &in->host->rootless;

    if (rootless->userns_clone_off) {
        text_add(finding, "kernel.unprivileged_userns_clone is not 1");
        check_advise(check, CHECK_NODE, "sysctl -w kernel.unprivileged_userns_clone=1");
        check->start =
            str_dup("attempting to run rootless dockerd but need 'kernel.unprivileged_userns_clone' "
                    "(/proc/sys/kernel/unprivileged_userns_clone) set to 1");
        return false;
    }
    if (rootless->user_namespaces_off) {
        text_add(finding, "user.max_user_namespaces is 0");
        check_advise(check, CHECK_NODE, "sysctl -w user.max_user_namespaces=28633");
        check->start = str_dup("attempting to run rootless dockerd but need 'user.max_user_namespaces' "
                               "(/proc/sys/user/max_user_namespaces) set to a sufficiently large value");
        return false;
    }
    text_add(finding, "the kernel allows them");
    return true;
}

/* The kernel takes all capabilities from a user namespace that an unconfined process makes; under a profile
 * it is the profile's rule "userns" that decides, which cannot be seen. */
bool check_probe_apparmor_userns(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_apparmor *apparmor = &in->host->apparmor;
    bool confined = apparmor->confinement && !str_starts(apparmor->confinement, "unconfined");

    (void)check;
    if (!apparmor->restricts_userns) {
        text_add(finding, "this kernel does not restrict them by AppArmor");
        return true;
    }
    text_add(finding, "kernel.apparmor_restrict_unprivileged_userns is 1, and this process is ");
    text_addf(finding, confined ? "confined by %s: whether that allows them is not known" : "%s",
        confined ? apparmor->confinement : "unconfined");
    return confined;
}

bool check_probe_masks(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    char *list cleanup_free = strings_join(&host->masks, " ");
    const capset mounter = CAPSET_ONE(CAP_SYS_ADMIN);
    bool harmless = host->uid == 0 && host->initial_user_namespace;
    /* In a user namespace they are locked, or the mounts below them are (mount_namespaces(7)). */
    bool mended = host->effective & host->bounding & mounter;

    (void)check;
    text_add(finding, host->masks.count ? "hidden or read-only: " : "all of /proc and /sys is visible");
    text_add(finding, list);
    if (host->masks.count && harmless)
        text_add(finding, mended ? ", and will be unmounted" : ", which matters in user namespaces only");
    return !host->masks.count || harmless;
}

bool check_probe_containerd(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;

    text_addf(finding, "%s/containerd-rootless %s", host->runtime_dir ? host->runtime_dir : "",
        host->rootless.conflicting_containerd ? "exists"
        : host->runtime_closed                ? "cannot be looked at"
                                              : "is not there");
    if (host->rootless.conflicting_containerd)
        check->start =
            str_format("attempting to run rootless dockerd but %s/containerd-rootless exists: dockerd and a "
                       "rootless containerd cannot share XDG_RUNTIME_DIR",
                host->runtime_dir);
    return !host->rootless.conflicting_containerd;
}

bool check_probe_data_flags(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    bool bad = host->data_nosuid || host->data_nodev;

    if (bad)
        text_addf(finding, "%s is on a mount with %s%s%s", host->data_root, host->data_nosuid ? "nosuid" : "",
            host->data_nosuid && host->data_nodev ? " and " : "", host->data_nodev ? "nodev" : "");
    else if (host->data_closed)
        text_addf(finding, "%s cannot be looked at", host->data_root);
    else
        text_addf(finding, "%s is on a mount without nosuid and nodev", host->data_root);
    if (bad) {
        check_advise(check, CHECK_DOCKER, "-v VOLUME:%s", host->data_root);
        check_advise(check, CHECK_COMPOSE, "volumes: [VOLUME:%s]", host->data_root);
        check_advise(check, CHECK_KUBERNETES, "an emptyDir mounted on %s", host->data_root);
    }
    return !bad;
}
