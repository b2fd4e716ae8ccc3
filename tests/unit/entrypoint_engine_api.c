#include "harness.h"

#include "entrypoint/engine_api.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- addresses ---- */

struct good {
    const char *text, *certs;
    const char *path, *host, *port;
};

static void addresses_are_taken_apart(void **state)
{
    static const struct good cases[] = {
        {"unix:///run/docker.sock", NULL, "/run/docker.sock", NULL, NULL},
        {"unix:///run/docker.sock", "/certs/client", "/run/docker.sock", NULL, NULL},
        {"tcp://docker:2376", "/certs/client", NULL, "docker", "2376"},
        {"tcp://docker", "/certs/client", NULL, "docker", "2376"},
        {"tcp://docker", NULL, NULL, "docker", "2375"},
        {"tcp://10.0.0.1:1", NULL, NULL, "10.0.0.1", "1"},
        {"tcp://[fd00::1]:65535", NULL, NULL, "fd00::1", "65535"},
        {"tcp://[::1]", NULL, NULL, "::1", "2375"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct engine_address address;
        struct err e = {0};
        assert_int_equal(engine_address_parse(&address, cases[i].text, cases[i].certs, &e), 0);
        assert_string_equal(address.shown, cases[i].text);
        assert_true(str_equal(address.path, cases[i].path));
        assert_true(str_equal(address.host, cases[i].host));
        assert_true(str_equal(address.port, cases[i].port));
        assert_true(str_equal(address.certs, cases[i].host ? cases[i].certs : NULL));
        engine_address_free(&address);
    }
}

static void what_is_no_address_is_refused_with_the_form_that_is(void **state)
{
    static const char *const texts[] = {"", "docker", "/run/docker.sock", "unix://", "unix://run/docker.sock",
        "tcp://", "tcp://:2376", "tcp://docker:", "tcp://docker:0", "tcp://docker:65536", "tcp://docker:x",
        "tcp://docker/path", "tcp://docker:2376/", "tcp://[::1", "tcp://[]:1", "tcp://[::1]x", "tcp://::1",
        "http://docker", "ssh://docker", "npipe:////./pipe/docker_engine", "fd://"};
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct engine_address address;
        struct err e = {0};
        if (engine_address_parse(&address, texts[i], NULL, &e) != -EINVAL)
            fail_msg("taken: %s", texts[i]);
        assert_true(strstr(e.what, "unix:///PATH") || strstr(e.what, "tcp://HOST:PORT"));
        engine_address_free(&address);
    }
}

static void an_address_with_control_characters_is_not_repeated(void **state)
{
    struct engine_address address;
    struct err e = {0};
    (void)state;

    assert_int_equal(engine_address_parse(&address, "tcp://doc\033[31mker", NULL, &e), -EINVAL);
    assert_null(strchr(e.what, '\033'));
    engine_address_free(&address);
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
    char text[sizeof("unix://") + sizeof(((struct sockaddr_un *)NULL)->sun_path)] = "unix:///";
    struct engine_address address;
    struct err e = {0};
    (void)state;

    (void)memset(text + 8, 'x', sizeof(text) - 9);
    assert_int_equal(engine_address_parse(&address, text, NULL, &e), -EINVAL);
    assert_contains(e.what, "at most 107 bytes");
    engine_address_free(&address);
}

/* ---- questions ---- */

#define SOCKET "engine.sock"

/* A child that answers one connection so; NULL: it never accepts. */
static pid_t serve(const char *path, const char *answer)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char request[1024];

    (void)unlink(path);
    (void)strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(fd, 0), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0) {
        (void)close(fd);
        return pid;
    }
    while (!answer)
        (void)pause();
    int connection = accept(fd, NULL, NULL);
    ssize_t n = read(connection, request, sizeof(request));
    (void)(write(connection, answer, strlen(answer)) + n);
    _exit(n > 0 && strncmp(request, "GET /_ping HTTP/1.0\r\n", 21) == 0 ? 0 : 1);
}

static int ask(const char *path, long long milliseconds, struct engine_answer *answer, struct err *e)
{
    char *folder cleanup_free = getcwd(NULL, 0);
    char *text cleanup_free = str_format("unix://%s/%s", folder, path);
    struct engine_address address;

    assert_int_equal(engine_address_parse(&address, text, NULL, e), 0);
    int r = engine_get(&address, "/_ping", deadline_in(milliseconds), answer, e);
    engine_address_free(&address);
    return r;
}

static void the_answer_of_an_engine_on_a_unix_socket_is_given(void **state)
{
    struct engine_answer answer;
    struct err e = {0};
    int status;
    (void)state;

    pid_t pid = serve(SOCKET, "HTTP/1.0 500 No\r\nContent-Length: 3\r\n\r\nwhy");
    assert_int_equal(ask(SOCKET, 10000, &answer, &e), 0);
    assert_int_equal(answer.stage, ENGINE_ANSWERED);
    assert_int_equal(answer.status, 500);
    assert_string_equal(text_get(&answer.body), "why");
    engine_answer_free(&answer);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void an_engine_that_is_not_there_is_not_listening(void **state)
{
    struct engine_answer answer;
    struct err e = {0};
    (void)state;

    assert_int_equal(ask("missing.sock", 10000, &answer, &e), -ENOENT);
    assert_int_equal(answer.stage, ENGINE_NOT_LISTENING);
    assert_contains(e.what, "missing.sock: No such file or directory");
    engine_answer_free(&answer);
}

static void an_engine_that_does_not_accept_is_not_waited_for_for_ever(void **state)
{
    struct engine_answer answer;
    struct err e = {0};
    (void)state;

    pid_t pid = serve(SOCKET, NULL);
    /* The first fills the backlog: it is connected and gets no answer. The last does not even get that far.
     */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(SOCKET, 20, &answer, &e), -ETIMEDOUT);
        assert_true(answer.stage == ENGINE_SILENT || (i > 0 && answer.stage == ENGINE_NOT_LISTENING));
        engine_answer_free(&answer);
    }
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(what_is_no_address_is_refused_with_the_form_that_is),
        cmocka_unit_test(an_address_with_control_characters_is_not_repeated),
        cmocka_unit_test(a_path_that_no_socket_can_have_is_refused),
        cmocka_unit_test(the_answer_of_an_engine_on_a_unix_socket_is_given),
        cmocka_unit_test(an_engine_that_is_not_there_is_not_listening),
        cmocka_unit_test(an_engine_that_does_not_accept_is_not_waited_for_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
