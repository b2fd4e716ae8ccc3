#include "rootless_versions.h"

#include "entrypoint/process.h"
#include "entrypoint/rootless.h"

static void ask(const char *program, const struct host *host, const char *const *environment,
    struct program_version *version)
{
    enum { SECONDS = 5, LIMIT = 4096 };
    const char *const arguments[] = {program, "--version", NULL};
    cleanup_text struct text text = {0};

    if (program && process_capture(arguments, host->path, environment, SECONDS, LIMIT, &text) == 0)
        *version = program_version_read(text_get(&text));
}

void rootless_versions_ask(struct host *host, const struct settings *s, const char *const *environment)
{
    struct host_versions *versions = &host->rootless.versions;
    const struct rootless_feature *feature;

    /* First: an old one passes the choice of the driver on. */
    if (str_equal(rootless_network_driver(s, host), "slirp4netns"))
        ask(host->programs.slirp4netns, host, environment, &versions->slirp4netns);
    /* The same for drivers that rootlesskit has to know. */
    for (size_t i = 0; (feature = rootless_feature(i)); i++)
        if (feature->program == ROOTLESS_ROOTLESSKIT && rootless_wants(feature, s, host)) {
            ask(host->programs.rootlesskit, host, environment, &versions->rootlesskit);
            break;
        }
    if (s->rootless.detach_netns)
        ask(host->programs.dockerd, host, environment, &versions->dockerd);
}
