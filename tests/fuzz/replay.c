/*
 * Runs a fuzzer without libFuzzer: replay PATH..., where each path is a file, or a folder whose files are all
 * run. From each file come more inputs, always the same ones: its beginnings, and copies with one byte
 * changed. Fails when there is no file at all.
 */
#include "fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES = 160, /* where a file is cut and changed: all its bytes if it has no more, else evenly spread;
                     another number in DIND_FUZZ_PLACES, for where everything takes long */
    LIMIT = 1024 * 1024,
};

/* What runs now, for the message when it does not come back. */
static char running[512];

static void tell_running(void)
{
    ssize_t ignored = write(STDERR_FILENO, running, strlen(running));
    (void)ignored;
}

static void on_signal(int signal)
{
    (void)signal;
    tell_running();
}

/* A sanitizer reports crashes itself and calls back; without one there is no such function. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizers' own name. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(void)
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    /* Reset: back from the handler, the signal comes again and ends the process. */
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_running);
    for (size_t i = 0; i < (__sanitizer_set_death_callback ? 1 : sizeof(crashes) / sizeof(*crashes)); i++)
        (void)sigaction(crashes[i], &action, NULL);
}

/* In memory of exactly its size, so that a sanitizer sees any read past it. */
static void run_copy(const char *data, size_t size, size_t changed, int by)
{
    uint8_t *copy cleanup_free = mem_alloc(size);

    (void)memcpy(copy, data, size);
    if (changed < size)
        copy[changed] ^= (uint8_t)by;
    (void)LLVMFuzzerTestOneInput(copy, size);
}

static size_t places(void)
{
    const char *asked = getenv("DIND_FUZZ_PLACES");
    size_t number = asked ? strtoul(asked, NULL, 10) : 0;

    return number ? number : PLACES;
}

static void run_file(const char *path)
{
    static const int changes[] = {0x01, 0x20, 0x80};
    cleanup_text struct text content = {0};
    struct err e = {0};

    if (file_read(AT_FDCWD, path, LIMIT, FILE_FOLLOW_LINKS, &content, &e) < 0)
        check_failed(path, 0, e.what);
    const char *data = text_get(&content);
    size_t size = content.length, stride = size / places() + 1;

    (void)snprintf(running, sizeof(running), "replay: in %s\n", path);
    run_copy(data, size, size, 0);
    for (size_t at = 0; at < size; at += stride) {
        (void)snprintf(running, sizeof(running), "replay: in %s, cut to %zu bytes\n", path, at);
        run_copy(data, at, at, 0);
        for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
            (void)snprintf(running, sizeof(running), "replay: in %s, byte %zu (from 0) xor 0x%02x\n", path,
                at, (unsigned)changes[i]);
            run_copy(data, size, at, changes[i]);
        }
    }
}

static int no_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t run_path(const char *path)
{
    struct dirent **entries = NULL;

    if (!file_is_folder(path)) {
        run_file(path);
        return 1;
    }
    int count = scandir(path, &entries, no_dots, alphasort);
    for (int i = 0; i < count; i++) {
        char *below cleanup_free = str_format("%s/%s", path, entries[i]->d_name);
        run_file(below);
        free(entries[i]);
    }
    free(entries);
    return count > 0 ? (size_t)count : 0;
}

int main(int argc, char **argv)
{
    size_t files = 0;

    watch();
    for (int i = 1; i < argc; i++)
        files += run_path(argv[i]);
    if (files == 0) {
        (void)fprintf(stderr, "replay: no file to run\n");
        return 1;
    }
    (void)printf("replayed %zu files\n", files);
    return 0;
}
