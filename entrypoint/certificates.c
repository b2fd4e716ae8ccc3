#include "certificates.h"

#include "base/file.h"
#include "entrypoint/kernel_text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* What this host calls itself may hold characters that no certificate can: left out rather than fatal. */
static void add_host_names(struct strings *names, const struct strings *host_names)
{
    for (size_t i = 0; i < host_names->count; i++) {
        struct err ignored;
        (void)certs_names_add(names, host_names->items[i], "this host", &ignored);
    }
}

static int add_wanted_names(struct strings *names, const struct settings *s, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_TLS_SAN);
    /* In one piece: positions count over all of it, and OpenSSL's "DNS: name" spans two items. */
    char *wanted cleanup_free = strings_join(&s->tls.san, " ");

    int r = certs_names_add(names, wanted, origin, e);
    if (r < 0) {
        (void)err_prefix(e, "tls.san");
        return err_status(e, EXIT_CONFIG);
    }
    return 0;
}

static int refuse_account(const struct settings *s, const struct tls_client *client, const char *kind,
    const char *account, const char *what, const char *hint, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_TLS_CLIENTS);

    (void)err_set(e, -EINVAL, "tls.clients (%s): %s: %s %s %s", origin, client->name, kind, account, what);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "%s", hint);
}

static int find_account(const struct settings *s, const struct tls_client *client, const char *kind,
    const char *account, const char *file, unsigned *id, struct err *e)
{
    cleanup_text struct text accounts = {0};
    struct err ignored;

    (void)file_read_kernel(file, &accounts, &ignored);
    int r = account_id(text_get(&accounts), account, id);
    if (r == -ERANGE)
        return refuse_account(
            s, client, kind, account, "is out of range", "use a number from 0 to 4294967294", e);
    if (r == 0)
        return 0;
    char *what cleanup_free = str_format("is not in %s", file);
    return refuse_account(s, client, kind, account, what, "use a number, or a name that the image knows", e);
}

static int read_client(const struct settings *s, const struct tls_client *from, uid_t uid, gid_t gid,
    struct certs_client *to, struct err *e)
{
    bool usual = str_equal(from->name, TLS_CLIENT_DEFAULT);
    unsigned owner = uid, group = gid;
    int r = 0;

    if (from->owner)
        r = find_account(s, from, "owner", from->owner, "/etc/passwd", &owner, e);
    if (r == 0 && from->group)
        r = find_account(s, from, "group", from->group, "/etc/group", &group, e);
    if (r < 0)
        return r;
    if (geteuid() != 0 && owner != geteuid())
        return refuse_account(s, from, "owner", from->owner,
            "is not who starts this, and only root can give files away",
            "start the container as root, or leave out owner", e);
    *to = (struct certs_client){
        .name = usual ? CERTS_DEFAULT_CLIENT : from->name,
        .dir = from->dir,
        .uid = owner,
        .gid = group,
        /* Other containers of any uid mount client/ and read its key. */
        .mode = from->mode ? (mode_t)strtoul(from->mode, NULL, 8)
                : usual    ? 0644
                           : 0600,
    };
    return 0;
}

/* The default client comes first, whether it is in the list or not. */
static int read_clients(struct certificates *c, const struct settings *s, uid_t uid, gid_t gid, struct err *e)
{
    size_t count = 1;
    int r = 0;

    c->clients = mem_zero(s->tls.client_count + 1, sizeof(*c->clients));
    c->clients[0] = (struct certs_client){
        .name = CERTS_DEFAULT_CLIENT, .uid = uid, .gid = gid, .mode = 0644, .implied = true};
    for (size_t i = 0; i < s->tls.client_count && r == 0; i++) {
        const struct tls_client *client = &s->tls.clients[i];
        bool usual = str_equal(client->name, TLS_CLIENT_DEFAULT);
        r = read_client(s, client, uid, gid, &c->clients[usual ? 0 : count], e);
        count += !usual;
    }
    c->request.clients = c->clients;
    c->request.client_count = count;
    return r;
}

int certificates_read(struct certificates *c, const struct settings *s, const struct strings *host_names,
    uid_t uid, gid_t gid, struct err *e)
{
    static const enum certs_algorithm algorithms[] = {
        [TLS_KEY_ECDSA_P256] = CERTS_ECDSA_P256,
        [TLS_KEY_ECDSA_P384] = CERTS_ECDSA_P384,
        [TLS_KEY_ED25519] = CERTS_ED25519,
        [TLS_KEY_RSA_2048] = CERTS_RSA_2048,
        [TLS_KEY_RSA_3072] = CERTS_RSA_3072,
        [TLS_KEY_RSA_4096] = CERTS_RSA_4096,
    };

    add_host_names(&c->names, host_names);
    int r = add_wanted_names(&c->names, s, e);
    if (r < 0)
        return r;
    c->request = (struct certs_request){
        .dir = s->tls.dir,
        .algorithm = algorithms[s->tls.key],
        .algorithm_chosen = settings_chosen(s, OPTION_TLS_KEY),
        .days = s->tls.days,
        .renew_before = s->tls.renew_before,
        .ca_days = s->tls.ca.days,
        .keep_ca_key = s->tls.ca.keep_key,
        .names = &c->names,
        .uid = uid,
        .gid = gid,
        .now = time(NULL),
    };
    return read_clients(c, s, uid, gid, e);
}

void certificates_free(struct certificates *c)
{
    strings_free(&c->names);
    free(c->clients);
    *c = (struct certificates){0};
}
