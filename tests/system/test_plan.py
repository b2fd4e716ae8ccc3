"""dindctl plan and config: they say what a start would do, change nothing, and a start then does exactly that."""

import json
import re
import shlex

import jsonschema
import pytest
import yaml as yaml_module
from sandbox import CONFIG, NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

SITUATIONS = {
    "default": {},
    "tls-off": {"env": NO_TLS},
    "flags": {"env": NO_TLS, "args": ["--label", "two words", "--mtu=1400", "-D", "--", "it's", ""]},
    "explicit": {"args": ["dockerd", "--data-root", "/var/lib/docker/x"]},
    "daemon": {"env": {**NO_TLS, "DIND_DAEMON": '{"mtu": 1300}'}},
    "daemon-over-own-file": {"args": ["--config-file", "/my.json"], "env": {**NO_TLS, "DIND_DAEMON": '{"mtu": 1300}'},
                             "setup": "echo '{\"debug\": true}' > my.json"},
    "unix-only": {"host": Host(config="api: {tcp: {enabled: false}, unix: {path: /run/x.sock, group: 5}}")},
    "mounts": {"env": NO_TLS, "setup": "mkdir srv/data", "host": Host(
        config="mounts: {tmp: tmpfs, propagation: slave, extra: [{source: /srv/data, target: /data}, {type: tmpfs, target: /t}]}")},
    "no-mounts": {"env": NO_TLS, "host": Host(config="mounts: {securityfs: off, propagation: unchanged}")},
    "strict": {"env": {**NO_TLS, "DIND_CAPABILITIES_PROFILE": "strict"}},
    "compat": {"env": {**NO_TLS, "DIND_CAPABILITIES_PROFILE": "compat"}},
    "legacy-iptables": {"env": {**NO_TLS, "DOCKER_IPTABLES_LEGACY": "1"}},
    "nft": {"env": {**NO_TLS, "DIND_NETWORK_IPTABLES": "nft"}},
    "docker-init": {"env": {**NO_TLS, "DIND_INIT": "docker-init"}},
    "builtin-init": {"env": {**NO_TLS, "DIND_INIT": "builtin"}},
    "cgroup-v2": {"env": NO_TLS, "host": Host(cgroup="v2")},
    "cgroup-off": {"env": {**NO_TLS, "DIND_CGROUP_NESTING": "off"}, "host": Host(cgroup="v2")},
    "cgroup-hosts-view": {"env": NO_TLS, "host": Host(cgroup="v2-host")},
    "user-namespace": {"env": NO_TLS, "host": Host(user_namespace=True)},
    "no-ptrace": {"env": NO_TLS, "host": Host(drop=("SYS_PTRACE",))},
    "own-certificates": {"setup": "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 9 "
                                  "-addext subjectAltName=DNS:docker -keyout tmp/key -out tmp/cert 2>/dev/null; "
                                  "mkdir -p certs/server; cp tmp/key certs/server/key.pem; "
                                  "cp tmp/cert certs/server/cert.pem; cp tmp/cert certs/server/ca.pem"},
    "rootless": {"env": NO_TLS, **ROOTLESS},
    "rootless-tls": {"env": {"DOCKER_TLS_CERTDIR": "/home/rootless/certs"}, **ROOTLESS},
    "rootless-flags": {"env": {**NO_TLS, "DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS": "--debug -p 1:2/tcp",
                               "DOCKERD_ROOTLESS_ROOTLESSKIT_NET": "pasta", "DIND_INIT": "docker-init"}, **ROOTLESS},
}

# Both plans are asked for in the very place in which the start then happens.
PLANS = """
program=$1; shift
dindctl plan --json -- "$@" > /out/plan.json && dindctl plan -- "$@" > /out/plan.txt || exit 99
exec $program "$@"
"""


@pytest.fixture(params=SITUATIONS.values(), ids=SITUATIONS)
def situation(request):
    how = dict(request.param)
    if how.get("host", Host()).cgroup != "v1":
        request.getfixturevalue("cgroup_v2")
    return how


def steps_of(result):
    """What a start did, from its own log, in order."""
    found = [re.match(r"step (\S+): ", line["msg"]) for line in result.log("debug")]
    return list(dict.fromkeys(match[1] for match in found if match))


# ---- the plan and what follows it ----


def test_a_start_does_the_steps_of_the_plan_in_their_order(sandbox, situation):
    env = {**situation.pop("env", {}), "DIND_LOG_LEVEL": "debug"}
    result = sandbox.run(situation.pop("args", []), env, around=PLANS, **situation)
    assert result.exit == 0, result
    plan = json.loads(result.out("plan.json"))
    planned = [step["step"] for step in plan["steps"]]
    assert steps_of(result) == list(dict.fromkeys(planned)), result
    assert result.warnings() == [*plan["warnings"], *plan["notes"]]


def test_a_start_executes_the_command_of_the_plan(sandbox, situation):
    result = sandbox.run(situation.pop("args", []), situation.pop("env", {}), around=PLANS, **situation)
    assert result.exit == 0, result
    plan = json.loads(result.out("plan.json"))
    first = plan["exec"][0]
    assert result.started(first).argv == plan["exec"][1:]
    assert first == {"rootless": "rootlesskit"}.get(plan["mode"], "dockerd") or plan["init"] == "docker-init"
    text = result.out("plan.txt").splitlines()
    after = next(number for number, line in enumerate(text) if line.startswith("exec"))
    assert shlex.split(text[after + 1]) == plan["exec"]


def test_text_and_json_say_the_same(sandbox, situation):
    result = sandbox.run(situation.pop("args", []), situation.pop("env", {}), around=PLANS, **situation)
    plan, text = json.loads(result.out("plan.json")), result.out("plan.txt")
    assert text.startswith(f"mode {plan['mode']}, started as uid {situation.get('uid', 0)}; init {plan['init']}\n")
    at = 0
    for number, step in enumerate(plan["steps"], 1):
        at = text.index(f"  {number}. {step['what']}\n     because {step['why']}\n", at)
        end = text.index("     if it fails: " + ("the start stops here" if step["fatal"] else "a warning, and on"), at)
        for key, label in (("decided_then", "decided then"), ("now", "now")):
            assert (f"     {label}: {step[key]}\n" in text[at:end]) if key in step else (label not in text[at:end])
        at = end
    for note in plan["notes"]:
        assert f"note: {note}\n" in text[at:]


STATE = """
state() {
    cat /proc/self/mountinfo /proc/self/cgroup
    ls -R /sys/fs/cgroup 2>&1 | head -100
    ls -A /tmp
}
state > /out/before; "$@" > /out/plan; status=$?; state > /out/after
exit $status
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_plan_changes_nothing_and_starts_nothing(sandbox, situation, form):
    args = ["plan", *(["--json"] if form == "json" else []), "--", *situation.pop("args", [])]
    result = sandbox.run(args, situation.pop("env", {}), program="dindctl", around=STATE, **situation)
    assert result.exit == 0, result
    assert result.changes == {}
    assert result.out("before") == result.out("after")
    assert result.programs_started() == []
    assert result.stderr == ""
    assert result.out("plan")


def test_a_plan_needs_no_pid_1_and_no_privilege_of_its_own(sandbox):
    """docker exec into a running container, as any user who can read the configuration."""
    result = sandbox.run(["plan", "--json"], NO_TLS, program="dindctl", uid=2000, setup=ROOTLESS_SETUP)
    assert json.loads(result.stdout)["mode"] == "rootless"


def test_after_a_start_the_plan_says_what_is_left_to_do(sandbox):
    result = sandbox.run(around='"$@" && dindctl plan --json > /out/again.json')
    assert result.exit == 0, result
    steps = {step["step"]: step for step in json.loads(result.out("again.json"))["steps"]}
    assert "securityfs" not in steps
    assert "missing" not in steps["certificates"]["now"]


@pytest.mark.parametrize("words, env, status, part", [
    (["plan"], {"DIND_TLS_DAYS": "many"}, 78, "DIND_TLS_DAYS: many is not a whole number"),
    (["plan", "--config", "/nope"], {}, 78, "/nope: No such file or directory"),
    (["plan", "--set", "tls.days=9000"], {}, 78, "tls.days: 9000 is out of range"),
    (["plan", "--set", "tls.dais=9"], {}, 78, "did you mean tls.days?"),
    (["plan", "--set", "tls.days"], {}, 78, "write --set KEY=VALUE"),
    (["plan", "--", "--debug"], {"DIND_DAEMON": '{"debug": true}'}, 78, "--debug"),
    (["plan"], {"DIND_MODE": "rootless"}, 78, "rootless.user: rootless (default) is not in /etc/passwd"),
    (["config"], {"DIND_TLS_DAYS": "many"}, 78, "DIND_TLS_DAYS: many is not a whole number"),
    (["config", "--set", "x=y"], {}, 78, "x: is not a known key"),
])
def test_dindctl_refuses_what_a_start_would_refuse(sandbox, words, env, status, part):
    result = sandbox.run(words, env, program="dindctl")
    assert result.exit == status, result
    assert part in result.failure() and "hint: " in result.failure()
    assert result.stdout == "" and result.changes == {}


def test_broken_certificates_are_found_by_the_plan(sandbox):
    """What needs no change to be checked is checked before the first one."""
    setup = "mkdir -p certs/server; for name in ca cert key; do echo x > certs/server/$name.pem; done"
    planned = sandbox.run(["plan"], program="dindctl", setup=setup)
    started = sandbox.run(setup=setup)
    assert planned.exit == started.exit != 0
    assert planned.failure() == started.failure() and "/certs/server/" in planned.failure()
    assert started.changes == {} and not started.starts("dockerd") and not started.starts("iptables")


# ---- config ----


def test_config_shows_every_value_with_its_origin(sandbox):
    result = sandbox.run(["config", "--json", "--set", "init=none"], {"DIND_TLS_DAYS": "30", "DOCKER_TLS_CERTDIR": "/certs"},
                         program="dindctl", host=Host(config="mode: auto\napi:\n  tcp:\n    port: 4000\n"))
    assert result.exit == 0, result
    values = json.loads(result.stdout)
    assert values["api.tcp.port"] == {"value": 4000, "origin": f"{CONFIG}:4:11"}
    assert values["tls.days"] == {"value": 30, "origin": "environment variable DIND_TLS_DAYS"}
    assert values["init"] == {"value": "none", "origin": "argument --set"}
    assert values["capabilities.profile"] == {"value": "default", "origin": "default"}
    assert "DOCKER_TLS_CERTDIR" in values["tls.dir"]["origin"]
    assert len(values) >= 34 and result.changes == {}


EVERYTHING = """
version: 1
mode: rootful
tls: {dir: "/my certs", key: rsa-2048, days: 30, san: ["DNS:a.example", "IP:192.0.2.7", "b: c"]}
api: {unix: {path: /run/x.sock, group: "0755"}, tcp: {enabled: true, address: "::1", port: 4000}}
mounts: {securityfs: "off", tmp: tmpfs, propagation: slave, extra: [{source: /a, target: "/b #c", options: ro}]}
cgroup: {nesting: required}
network: {iptables: legacy}
capabilities: {profile: strict, keep: [SYS_TIME], drop: [SYSLOG]}
rootless: {net: pasta, mtu: 1400, state_dir: /state, flags: [--debug, "a b", "'"], detach_netns: true,
  user: "1000", runtime_dir: "/r d", publish: "off", ipv6: true, copy_up: ["/etc", "/o p"], propagation: rprivate}
daemon: {mtu: 1300, log-opts: {max-size: 1m}, dns: ["1.1.1.1"], "odd: key": null, yes: "yes", text: "line\\nline"}
args: ["", " ", "--x=1", "#", "null", "1400", "true"]
init: none
log: {level: debug, format: json}
"""


@pytest.mark.parametrize("yaml", ["", EVERYTHING], ids=["defaults", "everything"])
def test_what_config_prints_is_a_configuration_that_means_the_same(sandbox, yaml):
    result = sandbox.run(program="dindctl", args=["config", "--json"], host=Host(config=yaml), around="""
        "$@" > /out/first && dindctl config > /out/printed.yaml && DIND_CONFIG=/out/printed.yaml "$@" > /out/second""")
    assert result.exit == 0, result
    first, second = (json.loads(result.out(name)) for name in ("first", "second"))
    assert {key: entry["value"] for key, entry in first.items()} == {key: entry["value"] for key, entry in second.items()}
    assert yaml_module.safe_load(result.out("printed.yaml"))["version"] == 1, "others can read it too"


def test_the_schema_has_every_key_that_config_has(sandbox):
    result = sandbox.run(program="dindctl", args=["config", "--schema"], around='"$@" && dindctl config --json > /out/config')
    schema = json.loads(result.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for key in json.loads(result.out("config")):
        at = schema
        for name in key.split("."):
            assert at["additionalProperties"] is False, "a typing error must be seen by editors too"
            at = at["properties"][name]
        assert at.get("description"), key


@pytest.mark.parametrize("value, seconds", [(30, 30), ("30s", 30), ("2m", 120), ("24h", 86400), ("auto", "auto"), (0, "auto"), ("1d", None),
                                            ("25h", None), (86401, None), (-1, None), ("", None)])
def test_a_time_may_have_a_unit_for_the_loader_and_the_schema(sandbox, value, seconds):
    document = {"shutdown": {"timeout": value}}
    result = sandbox.run(["config", "--json"], program="dindctl", host=Host(config=json.dumps(document)), around='dindctl config --schema > /out/schema; exec "$@"')
    schema = jsonschema.Draft202012Validator(json.loads(result.out("schema")))
    if seconds is None:
        assert result.exit == 78 and "1 to 86400 seconds, as 90, 90s or 2m" in result.stderr, result
        assert value == "25h" or not schema.is_valid(document), "the schema cannot count"
    else:
        assert json.loads(result.stdout)["shutdown.timeout"]["value"] == seconds, result.stdout[:300]
        assert schema.is_valid(document)


# ---- the command line ----


@pytest.mark.parametrize("words", [["version"], ["--version"], ["help"], ["--help"], ["-h"], ["plan", "--help"], ["certs", "-h"],
                                   ["certs", "show", "--help"], ["health", "--wait", "5s", "-h"], ["help", "certs"]], ids=" ".join)
def test_version_and_help_answer_on_standard_output(sandbox, words):
    result = sandbox.run(words, program="dindctl", host=Host(config="broken: ["))
    assert (result.exit, result.stderr, result.changes) == (0, "", {})
    assert result.stdout.startswith("dockerd-entrypoint 0." if "version" in words[0] else "Usage: dindctl COMMAND")


@pytest.mark.parametrize("words, part", [
    ([], "dindctl needs a command"),
    (["plant"], "plant is not a command"),
    (["plan", "--jason"], "--jason is not an option of this command"),
    (["plan", "--schema"], "--schema is not an option of this command"),
    (["plan", "--json=1"], "--json takes no value"),
    (["plan", "--config"], "--config needs a value"),
    (["plan", "--debug"], "--debug is not an option of this command"),
    (["plan", "dockerd"], "dockerd is not an option of this command"),
    (["plan", "--", "ps", "-a"], "ps runs as a client command"),
    (["config", "--", "x"], "-- is not an option of this command"),
    (["health", "--timeout", "0"], "--timeout is a time from 1s to 24h, as 90, 90s or 2m"),
    (["health", "--timeout", "x"], "--timeout is a time from 1s to 24h, as 90, 90s or 2m"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_wrong_command_line_is_told_with_status_64(sandbox, words, part):
    result = sandbox.run(words, program="dindctl")
    assert result.exit == 64, result
    assert result.stderr == f"error: {result.failure().splitlines()[0][7:]}\n  hint: dindctl help lists commands and options\n"
    assert part in result.stderr and result.stdout == ""


@pytest.mark.parametrize("words", [["plan"], ["plan", "--json"], ["config"], ["config", "--json"], ["config", "--schema"],
                                   ["version"], ["help"]], ids=" ".join)
def test_output_that_goes_nowhere_is_a_failure(sandbox, words):
    full = sandbox.run(words, program="dindctl", around='exec "$@" > /dev/full')
    assert full.exit == 71, full
    assert full.stderr == "error: standard output: No space left on device\n"
    closed = sandbox.run(words, program="dindctl", around='exec "$@" >&-')
    assert closed.exit == 71, closed
    assert closed.stderr == "error: standard output: Bad file descriptor\n"
