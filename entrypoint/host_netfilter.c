#include "host_netfilter.h"

#include "base/file.h"

#include <string.h>
#include <sys/utsname.h>

static bool same_name(const char *word, size_t length, const char *name)
{
    if (strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((word[i] == '-' ? '_' : word[i]) != name[i])
            return false;
    return true;
}

bool module_listed(const char *list, const char *name)
{
    for (const char *line = list; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        size_t length = strcspn(line, " :\n");
        const char *word = line;
        for (size_t i = 0; i < length; i++)
            if (line[i] == '/')
                word = line + i + 1;
        length -= (size_t)(word - line);
        const char *dot = memchr(word, '.', length);
        if (same_name(word, dot ? (size_t)(dot - word) : length, name))
            return true;
    }
    return false;
}

/* What the kernel and the image tell about modules. */
struct modules {
    struct text loaded, builtin, loadable; /* "" where it is not told */
    bool listed;                           /* the lists of /lib/modules are there, and are this kernel's */
};

static void modules_read(struct modules *modules)
{
    struct utsname kernel;
    struct err ignored;

    *modules = (struct modules){0};
    (void)file_read_kernel("/proc/modules", &modules->loaded, &ignored);
    if (uname(&kernel) < 0)
        return;
    char *builtin cleanup_free = str_format("/lib/modules/%s/modules.builtin", kernel.release);
    char *loadable cleanup_free = str_format("/lib/modules/%s/modules.dep", kernel.release);
    modules->listed = file_read_kernel(builtin, &modules->builtin, &ignored) == 0 &&
                      file_read_kernel(loadable, &modules->loadable, &ignored) == 0;
}

static void modules_free(struct modules *modules)
{
    text_free(&modules->loaded);
    text_free(&modules->builtin);
    text_free(&modules->loadable);
}

/* Built-in modules have a folder in /sys/module only if they take parameters: that it is missing says
 * nothing. */
static enum netfilter_state state_of(const struct modules *modules, const char *name)
{
    char *folder cleanup_free = str_format("/sys/module/%s", name);

    if (module_listed(text_get(&modules->loaded), name) || module_listed(text_get(&modules->builtin), name) ||
        file_is_folder(folder))
        return NETFILTER_THERE;
    if (module_listed(text_get(&modules->loadable), name))
        return NETFILTER_LOADABLE;
    return modules->listed ? NETFILTER_ABSENT : NETFILTER_UNKNOWN;
}

static bool names_a_table(const char *path, const char *table)
{
    cleanup_text struct text text = {0};
    cleanup_strings struct strings names = {0};
    struct err ignored;

    if (file_read_kernel(path, &text, &ignored) < 0)
        return false;
    strings_split(&names, text_get(&text), "\n");
    return table ? strings_have(&names, table) : names.count > 0;
}

static bool has_ipv6_address(void)
{
    char *line cleanup_free = file_first_line("/proc/net/if_inet6");
    return line && *line;
}

/* THERE before LOADABLE, and ABSENT only if both are. */
static enum netfilter_state better(enum netfilter_state a, enum netfilter_state b)
{
    static const int rank[] = {
        [NETFILTER_ABSENT] = 0, [NETFILTER_UNKNOWN] = 1, [NETFILTER_LOADABLE] = 2, [NETFILTER_THERE] = 3};
    return rank[a] > rank[b] ? a : b;
}

void host_netfilter_look(struct host_netfilter *netfilter)
{
    cleanup(modules_free) struct modules modules;

    modules_read(&modules);
    netfilter->nf_tables = state_of(&modules, "nf_tables");
    netfilter->ip_tables =
        names_a_table("/proc/net/ip_tables_names", NULL) ? NETFILTER_THERE : state_of(&modules, "ip_tables");
    netfilter->ipv6_nat =
        names_a_table("/proc/net/ip6_tables_names", "nat")
            ? NETFILTER_THERE
            : better(state_of(&modules, "nft_chain_nat"), state_of(&modules, "ip6table_nat"));
    netfilter->ipv6 = has_ipv6_address();
}
