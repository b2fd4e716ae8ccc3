"""Log lines: dockerd's forms, colour on terminals only, and no secret in anything that the program prints."""

import datetime
import json
import re

import pytest
from sandbox import NO_TLS, Host

SECRET = "hunter2"
SECRETS = {
    "args": {"args": ["--http-proxy=http://me:hunter2@proxy:3128"]},
    "args-without-scheme": {"args": ["--https-proxy", "me:hunter2@proxy:3128"]},
    "odd-password": {"args": ["--http-proxy=http://me:hunt/er@x,hunter2@proxy:3128"]},
    "DIND_ARGS": {"env": {"DIND_ARGS": "--http-proxy http://me:hunter2@proxy:3128 --log-opt splunk-token=hunter2"}},
    "DIND_DAEMON": {"env": {"DIND_DAEMON": json.dumps({
        "proxies": {"http-proxy": "http://me:hunter2@proxy:3128", "https-proxy": "me:hunter2@proxy"},
        "log-driver": "splunk", "log-opts": {"splunk-token": "hunter2"}})}},
    "variables-of-the-engine": {"env": {"HTTP_PROXY": "http://me:hunter2@proxy:3128", "HTTPS_PROXY": "me:hunter2@proxy"}},
    "file": {"host": Host(config="daemon:\n  http-proxy: http://me:hunter2@proxy:3128\n")},
    "near-miss": {"env": {"DIND_TSL_SAN": "http://me:hunter2@proxy"}},
}
# Everything the program has to say about a start, before, during and after it; dockerd's own words are not ours.
ASK = """
{ dindctl plan -- "$@"; dindctl plan --json -- "$@"; dindctl config; dindctl config --json; dindctl check; } > /out/said 2>&1
"""


def around(words):
    return f"set -- {' '.join(repr(word) for word in words)}\n{ASK}\nexec dockerd-entrypoint.sh \"$@\""


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("log", ["text", "json"])
@pytest.mark.parametrize("how", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_printed_and_the_engine_gets_it(sandbox, how, log, level):
    how = dict(how)
    args, env = how.pop("args", []), how.pop("env", {})
    result = sandbox.run(args, {**NO_TLS, **env, "DIND_LOG_FORMAT": log, "DIND_LOG_LEVEL": level}, around=around(args),
                         look="cp /run/dind/daemon.json /out/daemon; for f in /run/dind/*; do case $f in *daemon*);; *) cat $f;; esac; done > /out/kept",
                         **how)
    assert result.exit == 0, result
    started = result.started("dockerd")
    given = "\n".join([*started.argv, *started.env.values(), result.out("daemon") or ""])
    assert SECRET in given or "DIND_TSL_SAN" in env, "the test itself: the engine has it"
    assert result.out("said") and result.out("kept")
    for text in (result.stdout, result.stderr, result.out("said"), result.out("kept")):
        assert SECRET not in text and "hunt/er" not in text


@pytest.mark.parametrize("log", ["text", "json"])
def test_a_refusal_does_not_repeat_a_secret(sandbox, log):
    """Both a flag and a setting: dockerd would repeat it."""
    result = sandbox.run(["--http-proxy=http://me:hunter2@proxy"], {
        **NO_TLS, "DIND_LOG_FORMAT": log, "DIND_DAEMON": '{"http-proxy": "http://me:hunter2@proxy"}'})
    assert result.exit == 78, result
    assert SECRET not in result.stderr


# ---- the forms ----


def test_json_lines_have_the_fields_of_dockerds(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_LOG_FORMAT": "json"})
    lines = result.json_log()
    assert lines
    for line in lines:
        assert list(line)[:3] == ["level", "msg", "time"], "dockerd's order"
        assert set(line) <= {"level", "msg", "time", "hint"} and line["level"] in ("info", "warning")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line["time"])
        told = datetime.datetime.fromisoformat(line["time"][:26] + "+00:00")
        assert abs((datetime.datetime.now(datetime.timezone.utc) - told).total_seconds()) < 600


@pytest.mark.parametrize("level, expected", [("debug", {"debug", "info", "warning"}), ("info", {"info", "warning"}),
                                             ("warn", {"warning"}), ("error", set())])
def test_a_level_leaves_out_what_is_less_important(sandbox, level, expected):
    result = sandbox.run(env={**NO_TLS, "DIND_LOG_LEVEL": level})
    assert {line["level"] for line in result.log()} == expected, result


# ---- terminals ----

# A terminal on standard error, its lines in /out/shown.
PTY = """
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
with open("/out/shown", "wb") as out:
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:
            break
        if not block:
            break
        out.write(block)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def shown(sandbox, env, args=(), status=0):
    result = sandbox.run(args, {**NO_TLS, **env}, stub={"terminal.py": PTY}, around='python3 /stub/terminal.py "$@"')
    assert result.exit == status, result
    return result.out("shown")


def test_on_a_terminal_levels_are_in_colour_as_dockerds_are(sandbox):
    lines = shown(sandbox, {"TERM": "xterm"}).splitlines()
    assert lines and all(re.match(r"\x1b\[(36mINFO|33mWARN)\x1b\[0m\[\d{4}-\S+Z\] \S", line) for line in lines), lines
    assert any("WARN" in line for line in lines)


@pytest.mark.parametrize("env", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "xterm", "DIND_LOG_FORMAT": "json"}],
                         ids=["NO_COLOR", "dumb", "json"])
def test_no_colour_on_a_terminal_that_shall_have_none(sandbox, env):
    text = shown(sandbox, env)
    assert "\x1b" not in text
    assert all(line.startswith('{"level":' if "DIND_LOG_FORMAT" in env else "time=") for line in text.splitlines()), text


def test_an_empty_no_color_says_nothing(sandbox):
    assert "\x1b[" in shown(sandbox, {"NO_COLOR": ""})


def test_without_a_terminal_there_is_no_colour(sandbox):
    assert "\x1b" not in sandbox.run(env={**NO_TLS, "TERM": "xterm"}).stderr


def test_a_refusal_on_a_terminal_is_in_colour_and_escapes_what_the_user_wrote(sandbox):
    text = shown(sandbox, {"DIND_MODE": "\x1b[2J"}, status=78)
    assert text.startswith("\x1b[31merror\x1b[0m: ") and "\x1b[33mhint\x1b[0m: " in text
    assert "\x1b[2J" not in text
