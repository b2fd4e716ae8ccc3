#include "harness.h"

#include "base/cleanup.h"
#include "base/redact.h"

#include <string.h>

struct sample {
    const char *in, *out;
};

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *out cleanup_free = redact(samples[i].in);
        assert_string_equal(out, samples[i].out);
        char *again cleanup_free = redact(out);
        assert_string_equal(again, out);
    }
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        const struct sample samples[] = {__VA_ARGS__};                                                       \
        check(samples, sizeof(samples) / sizeof(*samples));                                                  \
    } while (0)

static void user_and_password_of_a_url_are_masked(void **state)
{
    (void)state;
    CHECK({"--http-proxy=http://user:pass@proxy:3128", "--http-proxy=http://xxxxx:xxxxx@proxy:3128"},
        {"see https://ghp_abc@github.com/x.", "see https://xxxxx:xxxxx@github.com/x."},
        {"a http://u:p@b https://c:d@e f", "a http://xxxxx:xxxxx@b https://xxxxx:xxxxx@e f"},
        {"http://a.example,http://u:p@b.example", "http://a.example,http://xxxxx:xxxxx@b.example"},
        {"socks5://u:p@h,x", "socks5://xxxxx:xxxxx@h,x"}, {"HTTP://u@h", "HTTP://xxxxx:xxxxx@h"},
        {"https://token@h/path@v2", "https://xxxxx:xxxxx@h/path@v2"},
        {"\"http://u:p@h\"", "\"http://xxxxx:xxxxx@h\""}, {"http://u:@h", "http://xxxxx:xxxxx@h"});
}

static void a_password_that_should_have_been_escaped_is_masked_whole(void **state)
{
    (void)state;
    CHECK({"http://u:p@ss@proxy", "http://xxxxx:xxxxx@proxy"},
        {"http://u:p/ss@proxy", "http://xxxxx:xxxxx@proxy"},
        {"http://u:12/3?4#5@proxy", "http://xxxxx:xxxxx@proxy"},
        {"http://u:p,w'x@proxy", "http://xxxxx:xxxxx@proxy"},
        {"http://u:p://ss@proxy", "http://xxxxx:xxxxx@proxy"},
        {"http://u:p@s/s@proxy:1", "http://xxxxx:xxxxx@proxy:1"});
}

static void a_value_with_a_secret_name_is_masked(void **state)
{
    (void)state;
    CHECK({"--log-opt splunk-token=abc", "--log-opt splunk-token=xxxxx"},
        {"--log-opt=logentries-TOKEN=abc d", "--log-opt=logentries-TOKEN=xxxxx d"},
        {"username=me,password=a,uid=0", "username=me,password=xxxxx,uid=0"},
        {"{\"splunk-token\": \"a b\", \"x\": 1}", "{\"splunk-token\": \"xxxxx\", \"x\": 1}"},
        {"{\"client_secret\":\"a\"}", "{\"client_secret\":\"xxxxx\"}"}, {"--token abc", "--token xxxxx"},
        {"token=", "token="});
}

static void a_proxy_without_a_scheme_has_secrets_too(void **state)
{
    (void)state;
    CHECK({"--https-proxy=u:p@h:1", "--https-proxy=xxxxx:xxxxx@h:1"},
        {"--http-proxy u:p@h:1", "--http-proxy xxxxx:xxxxx@h:1"},
        {"HTTP_PROXY=u:p@h", "HTTP_PROXY=xxxxx:xxxxx@h"},
        {"{\"http-proxy\": \"u:p@h\"}", "{\"http-proxy\": \"xxxxx:xxxxx@h\"}"},
        {"--http-proxy http://u:p@h", "--http-proxy http://xxxxx:xxxxx@h"},
        {"--http-proxy=h:3128", "--http-proxy=h:3128"});
}

static void what_is_no_secret_stays(void **state)
{
    static const char *const plain[] = {"", "--host=tcp://0.0.0.0:2376", "unix:///run/a:b@c.sock",
        "https://mirror.example/v2/x@y", "tls.ca.keep_key: true", "ssh://host:22", "a@b", "no_proxy=a@b:1",
        "--no-proxy a@b", "token", "a token: b", "proxy", "://", "://@", "mail me@example.com", "\xff\x80@",
        "docker@sha256:abc"};
    (void)state;

    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        char *out cleanup_free = redact(plain[i]);
        assert_string_equal(out, strcmp(plain[i], "://@") == 0 ? "://xxxxx:xxxxx@" : plain[i]);
    }
}

static void a_value_is_judged_by_its_name(void **state)
{
    static const struct {
        const char *name, *value, *out;
    } samples[] = {
        {"splunk-token", "a, \"b\" c", "xxxxx"},
        {"http-proxy", "u:p@h", "xxxxx:xxxxx@h"},
        {"http-proxy", "http://u:p@h", "http://xxxxx:xxxxx@h"},
        {"--https-proxy", "u:p@h", "xxxxx:xxxxx@h"},
        {"no-proxy", "u:p@h", "u:p@h"},
        {"label", "u:p@h", "u:p@h"},
        {"token", "", ""},
        {NULL, "password=x", "password=xxxxx"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        char *out cleanup_free = redact_value(samples[i].name, samples[i].value);
        assert_string_equal(out, samples[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_and_password_of_a_url_are_masked),
        cmocka_unit_test(a_password_that_should_have_been_escaped_is_masked_whole),
        cmocka_unit_test(a_value_with_a_secret_name_is_masked),
        cmocka_unit_test(a_proxy_without_a_scheme_has_secrets_too),
        cmocka_unit_test(what_is_no_secret_stays),
        cmocka_unit_test(a_value_is_judged_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
