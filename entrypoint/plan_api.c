/* Where the API is reached, and how it is protected. */
#include "plan_parts.h"

#include "config/options.h"
#include "entrypoint/rootless.h"

#include <errno.h>
#include <string.h>

char *plan_host(const char *address, long long port)
{
    return str_format(strchr(address, ':') ? "[%s]:%lld" : "%s:%lld", address, port);
}

static bool all_loopback(const struct strings *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (!str_starts(addresses->items[i], "127.") && !str_equal(addresses->items[i], "::1"))
            return false;
    return true;
}

/* TLS by the user's own flags. Of --tlsverify dockerd looks only at whether it is there (moby
 * daemon/command/options.go, setDefaultOptions). */
static bool brings_own_tls(const struct command *command)
{
    static const char *const off[] = {"0", "f", "F", "false", "False", "FALSE"}; /* strconv.ParseBool */
    const char *tls = dockerd_flags_get(&command->flags, "tls");

    for (size_t i = 0; tls && i < sizeof(off) / sizeof(*off); i++)
        if (strcmp(tls, off[i]) == 0)
            tls = NULL;
    return tls || dockerd_flags_get(&command->flags, "tlsverify");
}

/* That TLS stays is safe, but whoever asks for a plain port waits for it in vain. */
static int refuse_plaintext_with_tls(const struct settings *s, struct err *e)
{
    char *plain cleanup_free = settings_origin(s, OPTION_API_PLAINTEXT);
    char *tls cleanup_free = settings_origin(s, OPTION_TLS_DIR);

    (void)err_set(e, -EINVAL, "api.plaintext: true (%s), while tls.dir is %s (%s): the API would have TLS",
        plain, s->tls.dir, tls);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "set tls.dir to an empty text too, or leave out api.plaintext");
}

static int refuse_open_api(const struct settings *s, struct err *e)
{
    char *tcp cleanup_free = settings_origin(s, OPTION_API_TCP_ENABLED);
    char *tls cleanup_free = settings_origin(s, OPTION_TLS_DIR);
    char *addresses cleanup_free = strings_join(&s->api.tcp_addresses, ", ");

    (void)err_set(e, -EINVAL,
        "api.tcp.enabled: true (%s) on %s, while tls.dir is empty (%s): the API would be open", tcp,
        addresses, tls);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e,
        "set tls.dir, or api.tcp.address: 127.0.0.1, or leave out api.tcp.enabled; api.plaintext: true if it "
        "has to be open");
}

static int refuse(
    const struct settings *s, enum option_id id, const char *what, const char *hint, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, id);

    (void)err_set(e, -EINVAL, "%s (%s) %s", options[id].key, origin, what);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "%s", hint);
}

static int decide_activation(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    static const char ours[] = "needs api.activation: true: otherwise dockerd makes its sockets itself";

    plan->activation = s->api.activation && in->command->kind == COMMAND_ENGINE;
    if (s->api.activation && plan->mode == MODE_ROOTLESS)
        return refuse(s, OPTION_API_ACTIVATION,
            "cannot be in rootless mode: rootlesskit hands no sockets of ours on to the engine",
            "leave it out", e);
    if (s->api.activation && plan->init == INIT_DOCKER_INIT)
        return refuse(s, OPTION_API_ACTIVATION,
            "cannot be with init: docker-init: the process that it starts does not know itself named in "
            "LISTEN_PID",
            "set init: builtin, or leave out api.activation", e);
    if (s->api.unix_mode && !s->api.activation)
        return refuse(
            s, OPTION_API_UNIX_MODE, ours, "set api.activation: true, or leave out api.unix.mode", e);
    if (s->api.tcp_interface && !s->api.activation)
        return refuse(s, OPTION_API_TCP_INTERFACE, ours,
            "set api.activation: true, or the interface's own address as api.tcp.address", e);
    return 0;
}

/* "0.0.0.0:9999:2376/tcp" and the like, with the number in whatever way Go reads it. */
static bool publishes(const char *word, long long port)
{
    const char *colon = strrchr(word, ':');
    const char *digits = colon ? colon + 1 + strspn(colon + 1, "+0") : "";
    char *wanted cleanup_free = str_format("%lld/tcp", port);

    return str_starts(digits, wanted);
}

/* A flag of the user's for rootlesskit that may open a way to the port which the rules do not know. */
static const char *opens_more(const struct plan *plan, const struct settings *s)
{
    static const char *const flags[] = {"--net", "--port-driver", "--detach-netns"};
    const struct strings *words = &s->rootless.flags;

    for (size_t i = 0; i < words->count; i++) {
        if (publishes(words->items[i], plan->port))
            return words->items[i];
        for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
            if (str_starts(words->items[i], flags[f]))
                return words->items[i];
    }
    return NULL;
}

static int check_allow_rootless(const struct plan *plan, const struct settings *s, struct err *e)
{
    const char *more = opens_more(plan, s);

    if (str_equal(s->rootless.net, "lxc-user-nic"))
        return refuse(s, OPTION_API_ALLOW,
            "cannot be kept with rootless.net: lxc-user-nic, whose network is reached past this container's",
            "set rootless.net: slirp4netns, or leave out api.allow", e);
    if (!more)
        return 0;
    char *what cleanup_free = str_format(
        "cannot be kept: %s in rootless.flags may open a way to the port that its rules do not know", more);
    return refuse(s, OPTION_API_ALLOW, what,
        "leave that flag out, and use api.tcp.address, rootless.net, rootless.port_driver or "
        "rootless.detach_netns instead",
        e);
}

/* An allow-list that would not hold is refused, not ignored. */
static int check_allow(const struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;

    if (s->api.allow.count == 0)
        return 0;
    if (in->command->kind == COMMAND_EXPLICIT || dockerd_flags_get(&in->command->flags, "host"))
        return refuse(s, OPTION_API_ALLOW, "cannot be kept: it does not cover addresses in flags of dockerd",
            "set api.tcp.address and api.tcp.port instead of -H and --host, or leave out api.allow", e);
    return plan->mode == MODE_ROOTLESS && plan->tcp ? check_allow_rootless(plan, s, e) : 0;
}

/* With a detached network namespace the engine listens out here, where the rules are anyway. */
static void decide_inside(struct plan *plan, const struct plan_input *in)
{
    const struct settings *s = in->settings;

    if (plan->mode == MODE_ROOTLESS)
        plan->inside = rootless_inside_address(s, in->host);
    if (plan->inside && plan->tcp && s->api.allow.count && !s->api.allow_nested)
        plan->guarded_port = plan->port;
}

/* One spelling for each socket. */
static char *socket_path(const char *path, const struct host *host)
{
    char *plain cleanup_free = path_plain(path);

    return str_dup(host->run_linked && str_starts(plain, "/var/run/") ? str_after(plain, "/var") : plain);
}

static int check_unix(const struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct strings *more = &in->settings->api.unix_more;
    cleanup_strings struct strings taken = {0};
    char *first cleanup_free = socket_path(plan->socket, in->host);

    strings_add(&taken, first);
    for (size_t i = 0; i < more->count; i++) {
        char *path cleanup_free = socket_path(more->items[i], in->host);
        if (strings_have(&taken, path)) {
            char *what cleanup_free =
                str_format("names %s, which is one of the engine's sockets already", more->items[i]);
            return refuse(in->settings, OPTION_API_UNIX_MORE, what, "name each socket once", e);
        }
        strings_add(&taken, path);
    }
    return 0;
}

static bool is_any(const char *address)
{
    return str_equal(address, "0.0.0.0") || str_equal(address, "::");
}

static bool same_family(const char *a, const char *b)
{
    return !strchr(a, ':') == !strchr(b, ':');
}

bool plan_opens_both(
    const struct plan *plan, const struct settings *s, const struct host *host, const char *address)
{
    bool by_rootlesskit = plan->mode == MODE_ROOTLESS && !s->rootless.detach_netns;

    if (plan->activation || (by_rootlesskit && !str_equal(rootless_port_driver(s, host), "builtin")))
        return false;
    return is_any(address);
}

/* One port cannot be had on both addresses, whichever comes first. */
static bool collide(const struct plan *plan, const struct plan_input *in, const char *a, const char *b)
{
    if (same_family(a, b))
        return str_equal(a, b) || is_any(a) || is_any(b);
    return plan_opens_both(plan, in->settings, in->host, a) ||
           plan_opens_both(plan, in->settings, in->host, b);
}

static int refuse_tcp(
    const struct plan *plan, const struct settings *s, const char *a, const char *b, struct err *e)
{
    char *twice cleanup_free = str_format("names %s twice", b);
    char *both cleanup_free = str_format("names %s and %s, and one port cannot be had on both", a, b);

    if (str_equal(a, b))
        return refuse(s, OPTION_API_TCP_ADDRESS, twice, "name each address once", e);
    return refuse(s, OPTION_API_TCP_ADDRESS, both,
        same_family(a, b)             ? "leave out the narrower one"
        : plan->mode == MODE_ROOTLESS ? "leave out one of them: 0.0.0.0 and :: open both families"
                                      : "leave out one of them: unless api.activation makes the sockets, "
                                        "0.0.0.0 and :: open both families",
        e);
}

static int check_tcp(const struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct strings *list = &in->settings->api.tcp_addresses;

    for (size_t i = 1; plan->tcp && i < list->count; i++)
        for (size_t j = 0; j < i; j++)
            if (collide(plan, in, list->items[j], list->items[i]))
                return refuse_tcp(plan, in->settings, list->items[j], list->items[i], e);
    return 0;
}

/* dockerd would replace a Unix socket of its own, and end at a port that it has already. */
static int check_twice(const struct plan *plan, const struct plan_input *in, struct err *e)
{
    if (in->command->kind != COMMAND_ENGINE)
        return 0;
    int r = check_unix(plan, in, e);
    return r < 0 ? r : check_tcp(plan, in, e);
}

static void decide_socket(struct plan *plan, const struct plan_input *in)
{
    if (in->settings->api.unix_path)
        plan->socket = str_dup(in->settings->api.unix_path);
    else if (plan->mode == MODE_ROOTFUL)
        plan->socket = str_dup("/var/run/docker.sock");
    else
        plan->socket = str_format("%s/docker.sock", in->host->runtime_dir);
}

static char *tcp_hosts(const struct plan *plan, const struct settings *s)
{
    cleanup_strings struct strings hosts = {0};

    for (size_t i = 0; i < s->api.tcp_addresses.count; i++) {
        char *host cleanup_free = plan_host(s->api.tcp_addresses.items[i], plan->port);
        strings_addf(&hosts, "tcp://%s", host);
    }
    return strings_join(&hosts, ", ");
}

/* TLS is off only by an explicit empty value. The old variable then means plain TCP as ever; tls.dir means
 * none at all, unless api.plaintext asks for it. */
bool plan_tcp(const struct settings *s)
{
    const struct origin *off = &s->origin[OPTION_TLS_DIR];
    bool plain_as_ever = off->kind == ORIGIN_ENVIRONMENT && str_equal(off->name, "DOCKER_TLS_CERTDIR");

    return s->api.tcp_enabled &&
           (s->tls.dir[0] || plain_as_ever || s->api.plaintext || all_loopback(&s->api.tcp_addresses));
}

int plan_decide_api(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct command *command = in->command;
    bool has_store = s->tls.dir[0] != '\0';

    if (s->api.tcp_enabled && s->api.tcp_addresses.count == 0)
        return refuse(
            s, OPTION_API_TCP_ADDRESS, "names no address", "name one, or set api.tcp.enabled: false", e);
    if (has_store && s->api.plaintext)
        return refuse_plaintext_with_tls(s, e);
    plan->tcp = plan_tcp(s);
    plan->tls = plan->tcp && has_store;
    plan->port = s->api.tcp_port ? s->api.tcp_port : plan->tls ? 2376 : 2375;
    if (s->api.tcp_enabled && !plan->tcp && settings_chosen(s, OPTION_API_TCP_ENABLED))
        return refuse_open_api(s, e);
    if (s->api.tcp_enabled && !plan->tcp)
        strings_add(&plan->notes, "tls.dir is empty: the API listens on the Unix socket only");
    if (plan->tcp && !plan->tls && command->kind == COMMAND_ENGINE && !brings_own_tls(command)) {
        char *hosts cleanup_free = tcp_hosts(plan, s);
        strings_addf(&plan->notes,
            "API on %s without TLS: whoever can reach this address controls this engine, the "
            "containers that it runs included; set DOCKER_TLS_CERTDIR=/certs, or api.tcp.enabled: false",
            hosts);
    }
    decide_socket(plan, in);
    decide_inside(plan, in);
    int r = decide_activation(plan, in, e);
    if (r == 0)
        r = check_twice(plan, in, e);
    return r < 0 ? r : check_allow(plan, in, e);
}

int plan_access(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    char *origin cleanup_free = settings_origin(s, OPTION_API_ALLOW);
    char *allowed cleanup_free = strings_join(&s->api.allow, ", ");

    if (s->api.allow.count == 0 || !plan->tcp)
        return 0;
    return plan_add(plan,
        (struct step){.phase = PHASE_NETWORK,
            .kind = STEP_ACCESS,
            .what = str_format("drop what comes to TCP port %lld, IPv6 too, but from here, from %s%s",
                plan->port, allowed,
                s->api.allow_nested  ? ", and from nested containers"
                : plan->guarded_port ? "; in rootlesskit's network, what comes from nested containers"
                                     : ""),
            .why = str_format("%s names who may reach the API", origin),
            .fatal = true},
        e);
}

int plan_sockets(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    cleanup_strings struct strings list = {0};

    if (!plan->activation)
        return 0;
    strings_add(&list, plan->socket);
    strings_add_all(&list, &s->api.unix_more);
    if (plan->tcp) {
        char *hosts cleanup_free = tcp_hosts(plan, s);
        strings_addf(&list, "%s%s%s", hosts, s->api.tcp_interface ? " on " : "",
            s->api.tcp_interface ? s->api.tcp_interface : "");
    }
    char *sockets cleanup_free = strings_join(&list, ", ");
    return plan_add(plan,
        (struct step){.phase = PHASE_FILES,
            .kind = STEP_SOCKETS,
            .what = str_format("listen on %s, and hand that to the engine", sockets),
            .why = str_dup("api.activation is true: who comes early waits for the engine"),
            .fatal = true},
        e);
}
