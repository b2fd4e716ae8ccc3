"""The boot report: every step with its outcome and time in boot.json, told again by dindctl report, all warnings at its end."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from sandbox import NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

TOP = Path(__file__).resolve().parents[2]

ASK = """
cp /run/dind/boot.json /out/boot.json
stat -c '%a %u:%g' /run/dind/boot.json > /out/mode
dindctl report > /out/report 2> /out/error; echo $? > /out/status
dindctl report --json > /out/again
"""
OUTCOMES = {"done", "already", "chose", "not possible"}

# One of the settings, one of the plan, one of a step.
THREE = {"env": {"DOCKER_TLS_CERTDIR": "", "DIND_API_TCP_ENABLED": "false", "DIND_TSL_DAYS": "9"},
         "host": Host(no_new_privs=True), "setup": "mkdir -p dev/fuse"}


def start(sandbox, env=None, look=ASK, **how):
    result = sandbox.run(env={**NO_TLS, **(env or {})}, look=look, **how)
    assert result.exit == 0, result
    return result


def words(text):
    """A report is laid out for people: what counts is the words."""
    return " ".join(text.split())


# ---- what is in it ----


def test_a_report_has_every_step_of_the_plan_with_outcome_and_time(sandbox):
    result = start(sandbox, around='dindctl plan --json > /out/plan; exec "$@"')
    report, plan = json.loads(result.out("boot.json")), json.loads(result.out("plan"))
    assert [(s["phase"], s["step"], s["what"]) for s in report["steps"]] == [(s["phase"], s["step"], s["what"]) for s in plan["steps"]]
    assert {s["outcome"] for s in report["steps"]} <= OUTCOMES
    times = report["microseconds"]
    assert all(isinstance(number, int) and number >= 0 for number in [*times.values(), *(s["microseconds"] for s in report["steps"])])
    assert sum(s["microseconds"] for s in report["steps"]) <= times["steps"] <= times["total"]
    assert times["settings"] + times["facts"] + times["plan"] + times["steps"] <= times["total"]
    assert (report["version"], report["mode"], report["init"], report["result"]) == (1, "rootful", "builtin", "started")
    assert report["pid"] == 1 and f"starting {report['command']}" in [line["msg"] for line in result.log("info")]
    assert result.out("mode") == "644 0:0\n"


def test_a_choice_is_told_with_what_was_chosen(sandbox):
    report = json.loads(start(sandbox).out("boot.json"))
    step = next(s for s in report["steps"] if s["step"] == "iptables")
    assert step["outcome"] == "chose" and step["detail"]


def test_a_second_start_finds_steps_done_already(sandbox):
    report = json.loads(start(sandbox, env={"DOCKER_TLS_CERTDIR": "/certs"}, around='"$@"; exec "$@"').out("boot.json"))
    outcomes = {s["step"]: s["outcome"] for s in report["steps"]}
    assert outcomes["certificates"] == "already"


def test_three_warnings_are_in_the_log_and_the_file_and_told_at_the_end(sandbox):
    result = start(sandbox, **THREE)
    report = json.loads(result.out("boot.json"))
    told = [(w["from"], w["text"]) for w in report["warnings"]]
    assert [origin for origin, _ in told] == ["settings", "plan", "devices"], told
    assert "DIND_TSL_DAYS" in told[0][1] and "no_new_privs" in told[1][1] and "/dev/fuse" in told[2][1]
    assert result.warnings() == [told[0][1], told[1][1], f"devices: {told[2][1]}"]
    assert "3 warnings: dindctl report repeats them" in [line["msg"] for line in result.log("info")]
    shown = result.out("report")
    end = words(shown[shown.index("\n3 warnings\n"):])
    assert all(f"{origin}: {words(text)}" in end for origin, text in told), shown


def test_a_start_without_warnings_says_nothing_of_a_report(sandbox):
    result = start(sandbox, env={"DIND_API_TCP_ENABLED": "false"})
    assert result.warnings() == [] and json.loads(result.out("boot.json"))["warnings"] == []
    assert not [line for line in result.log() if "report" in line["msg"]]
    assert result.out("report").endswith("no warnings\n")


def test_the_log_has_one_line_a_phase_and_every_step_at_debug(sandbox):
    setup = "echo 4242 > run/docker.pid"
    result = sandbox.run(env={"DIND_DAEMON": '{"mtu": 1400}'}, setup=setup)
    phase = [line["msg"] for line in result.log("info") if "pid-files: removed" in line["msg"]]
    assert len(phase) == 1 and "; certificates: " in phase[0] and "; daemon-config: " in phase[0], result
    assert not result.log("debug")
    result = sandbox.run(env={"DIND_LOG_LEVEL": "debug"}, look="cp /run/dind/boot.json /out/boot.json")
    lines = [line["msg"] for line in result.log("debug")]
    for step in json.loads(result.out("boot.json"))["steps"]:
        ms = f"{step['microseconds'] // 1000}.{step['microseconds'] % 1000:03}"
        assert f"step {step['step']}: {step['outcome']} in {ms} ms: {step['what']}" in lines


def test_a_rootless_start_reports_in_its_runtime_folder(sandbox):
    result = sandbox.run(env=NO_TLS, around='"$@"; cp /run/user/2000/dind/boot.json /out/; dindctl report > /out/report', **ROOTLESS)
    report = json.loads(result.out("boot.json"))
    assert report["mode"] == "rootless" and report["command"].startswith("rootlesskit ")
    assert "mode rootless" in result.out("report")


# ---- the second stage of a rootless start ----

INSIDE = "inside rootlesskit"
FULL = '[{"source": "tmpfs", "target": "/certs", "type": "tmpfs", "options": "size=4k"}]'
AT_USER = '"$@"; status=$?; cp /run/user/2000/dind/boot.json /out/; dindctl report > /out/report; exit $status'
# As --copy-up=/run leaves it: links that lead out of a fresh filesystem.
COPY_UP = """
mount -t tmpfs tmpfs /mnt; mkdir /mnt/run; mount --rbind /run /mnt/run; mount -t tmpfs -o mode=755 tmpfs /run
ln -s /mnt/run/user /run/user; ln -s /mnt/run/docker /run/docker
"""


def start_rootless(sandbox, env=None, around=AT_USER, **how):
    result = sandbox.run(env={**NO_TLS, **(env or {})}, around=around, **ROOTLESS, **how)
    return result, json.loads(result.out("boot.json"))


def inside(report):
    return {step["step"]: step for step in report["steps"] if step["phase"] == INSIDE}


def test_what_is_done_inside_rootlesskit_is_in_the_report(sandbox):
    result, report = start_rootless(sandbox, around='dindctl plan --json > /out/plan; ' + AT_USER, stub={"rootlesskit.sh": COPY_UP})
    plan = json.loads(result.out("plan"))
    assert result.exit == 0 and report["result"] == "started", result
    assert [(s["phase"], s["step"], s["what"]) for s in report["steps"]] == [(s["phase"], s["step"], s["what"]) for s in plan["steps"]]
    outcomes = {name: step["outcome"] for name, step in inside(report).items()}
    assert outcomes == {"run-links": "done", "run-label": "already", "ca-certificates": "already", "forwarding": "done",
                        "storage-inside": "done"}, result
    times = report["microseconds"]
    assert sum(step["microseconds"] for step in inside(report).values()) <= times["inside"] and times["rootlesskit"] > 0
    parts = ("settings", "facts", "plan", "steps", "rootlesskit", "inside")
    assert sum(times[part] for part in parts) <= times["total"]
    table = result.out("report")
    assert re.search(rf"^rootlesskit +\d+\.\d{{3}}.*\n{INSIDE}\n  run-links +done ", table, re.M), table


def test_steps_inside_rootlesskit_are_in_the_log_at_debug(sandbox):
    result, report = start_rootless(sandbox, {"DIND_LOG_LEVEL": "debug"})
    lines = [line["msg"] for line in result.log("debug")]
    for step in inside(report).values():
        ms = f"{step['microseconds'] // 1000}.{step['microseconds'] % 1000:03}"
        assert f"step {step['step']}: {step['outcome']} in {ms} ms: {step['what']}" in lines, result


def test_warnings_from_inside_rootlesskit_are_told_at_the_end(sandbox):
    """Storage that only rootlesskit's mounts show, and a /proc/sys that it may not write to."""
    result, report = start_rootless(sandbox, stub={"rootlesskit.sh": """
        mount -t tmpfs tmpfs /mnt; mkdir /mnt/l /mnt/u /mnt/w
        mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w overlay /home/rootless/.local/share/docker
        mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys"""})
    warnings = {warning["from"]: warning for warning in report["warnings"]}
    assert result.exit == 0 and list(warnings) == ["plan", "forwarding", "storage-inside"], result
    assert "/proc/sys/net/ipv4/ip_forward: Read-only file system; " in warnings["forwarding"]["text"]
    assert "systempaths=unconfined" in warnings["forwarding"]["hint"] and "storage.driver" in warnings["storage-inside"]["hint"]
    assert inside(report)["forwarding"]["outcome"] == inside(report)["storage-inside"]["outcome"] == "not possible"
    assert "2 warnings inside rootlesskit: dindctl report repeats them" in [line["msg"] for line in result.log("info")]
    for name in ("forwarding", "storage-inside"):
        assert f"{name}: {warnings[name]['text']}" in result.warnings()
        assert words(warnings[name]["text"]) in words(result.out("report"))


def test_what_stops_the_start_inside_rootlesskit_is_reported_as_its_failure(sandbox):
    env = {**NO_TLS, "DIND_MODE": "rootless", "DIND_INIT": "none", "DIND_API_ALLOW": "192.0.2.7", "DIND_NETWORK_IPTABLES": "nft"}
    result = sandbox.run(env=env, setup=ROOTLESS_SETUP, around=AT_USER, stub={"ip6tables.exit": "0\n" * 25 + "4\n"})
    report = json.loads(result.out("boot.json"))
    assert result.exit == 71 and report["result"] == "failed" and "command" not in report, result
    failed = inside(report)["access-inside"]
    assert failed["outcome"] == "failed" and failed["problem"] in result.failure() and failed["problem"] in report["warnings"][-1]["text"]
    assert inside(report)["storage-inside"]["outcome"] == "not run"


def test_what_rootlesskit_never_got_to_is_not_said_to_be_done(sandbox):
    result, report = start_rootless(sandbox, stub={"rootlesskit.sh": "exit 1"})
    assert result.exit != 0 and report["result"] == "started", result
    assert {step["outcome"] for step in inside(report).values()} == {"not run"}
    assert "rootlesskit" not in report["microseconds"]


@pytest.mark.parametrize("damage, told", [("echo '{' > run/user/2000/dind/boot.json", True), ("rm run/user/2000/dind/boot.json", False)],
                         ids=["damaged", "gone"])
def test_a_report_that_cannot_be_continued_is_a_warning_and_the_engine_starts(sandbox, damage, told):
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": f"cd /; {damage}"})
    assert result.exit == 0 and result.starts("dockerd"), result
    warnings = [w for w in result.warnings() if w.startswith("dindctl report will not show what was done inside rootlesskit: ")]
    assert len(warnings) == told


def test_no_report_is_promised_where_there_is_none(sandbox):
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": "rm /run/user/2000/dind/boot.json; mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys"})
    assert any(w.startswith("forwarding: ") for w in result.warnings()), result
    assert not [line for line in result.log("info") if "inside rootlesskit" in line["msg"]], result


def test_the_users_report_of_a_former_start_is_gone_when_roots_start_fails(sandbox):
    result = sandbox.run(env={"DIND_MODE": "rootless", "DOCKER_TLS_CERTDIR": "/certs", "DIND_MOUNTS_EXTRA": FULL},
                         setup=ROOTLESS_SETUP + "mkdir -p run/user/2000/dind; echo old > run/user/2000/dind/boot.json; chown -R 2000 run/user/2000",
                         around='"$@"; status=$?; ls /run/user/2000/dind > /out/list; dindctl report > /out/report; exit $status')
    assert result.exit == 71 and "boot.json" not in result.out("list") and ": failed\n" in result.out("report"), result


# ---- a start that fails ----


def test_a_fatal_step_leaves_a_report_that_names_it(sandbox):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", "DIND_MOUNTS_EXTRA": FULL},
                         around='"$@"; status=$?; cp /run/dind/boot.json /out/; dindctl report > /out/report; exit $status')
    assert result.exit == 71 and not result.started("dockerd"), result
    report = json.loads(result.out("boot.json"))
    assert report["result"] == "failed" and "command" not in report
    failed = next(s for s in report["steps"] if s["outcome"] == "failed")
    after = report["steps"][report["steps"].index(failed) + 1:]
    assert failed["step"] == "certificates" and failed["problem"] in result.stderr and failed["hint"] in result.stderr
    assert after and {(s["outcome"], s["microseconds"]) for s in after} == {("not run", 0)}
    assert failed["problem"] in [w["text"] for w in report["warnings"]]
    assert words(failed["problem"]) in words(result.out("report")) and ": failed\n" in result.out("report")


def test_a_report_that_cannot_be_written_is_a_warning_and_the_engine_starts(sandbox):
    result = sandbox.run(env=NO_TLS, setup="mkdir -p run/dind/boot.json")
    assert result.exit == 0 and result.started("dockerd"), result
    warning = next(line for line in result.log("warning") if line["msg"].startswith("dindctl report will not show this start: "))
    assert "/run/dind/boot.json" in warning["msg"]


# ---- the table ----


def slowest(report):
    return max(report["steps"], key=lambda step: step["microseconds"])["step"]


# A step that takes longer than anything else.
SLOW_PROBE = """
mv usr/local/sbin/iptables usr/local/sbin/iptables-real 2>/dev/null || mv usr/sbin/iptables usr/sbin/iptables-real
printf '#!/bin/sh\\nsleep 0.3\\n' > usr/local/sbin/iptables; chmod 755 usr/local/sbin/iptables
"""


def test_the_slowest_step_is_marked(sandbox):
    result = start(sandbox, setup=SLOW_PROBE)
    assert slowest(json.loads(result.out("boot.json"))) == "iptables"
    marked = [line for line in result.out("report").splitlines() if line.endswith(" slowest")]
    assert len(marked) == 1 and re.match(r"  iptables +chose +\d+\.\d{3}  #+ slowest$", marked[0])
    assert len(marked[0]) == 80, "no terminal: 80 columns"


def test_the_width_is_the_terminals(sandbox):
    text = start(sandbox, setup=SLOW_PROBE, look=ASK + "COLUMNS=120 dindctl report > /out/wide").out("wide")
    assert len(next(line for line in text.splitlines() if line.endswith(" slowest"))) == 120
    probe = """
        python3 -c 'import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
    os.execvp("dindctl", ["dindctl", "report"])
with open("/out/wide", "wb") as out:
    try:
        while block := os.read(terminal, 65536):
            out.write(block)
    except OSError:
        pass
os.waitpid(child, 0)'"""
    text = start(sandbox, setup=SLOW_PROBE, look=probe).out("wide")
    assert len(next(line for line in text.splitlines() if line.endswith(" slowest"))) == 100


def test_json_is_the_file(sandbox):
    result = start(sandbox)
    assert result.out("again") == result.out("boot.json") and (result.out("status"), result.out("error")) == ("0\n", "")


# ---- whose report it is, and what is none ----


def alone(sandbox, *args, **how):
    return sandbox.run(["report", *args], program="dindctl", **how)


def test_the_report_of_the_running_start_is_not_called_a_former_one(sandbox):
    assert "former" not in start(sandbox).out("report")


def test_the_report_of_a_former_start_is_told_so(sandbox):
    result = sandbox.run(env=NO_TLS, around='"$@" && dindctl report > /out/report')
    assert result.out("report").startswith("This is the report of a former start: its process has ended.\n")


def test_before_any_start_there_is_none(sandbox):
    result = alone(sandbox)
    assert (result.exit, result.stdout) == (1, "")
    assert result.stderr.startswith("error: no start was reported here: /run/dind/boot.json does not exist\n  hint: ")


BROKEN = ["", "{", "[]", '{"version": 1}', "null", "[" * 100000, '{"version": 1, "version": 1}', '{"version": 99999999999999999999999}']


@pytest.mark.parametrize("content", BROKEN, ids=["empty", "cut-off", "list", "little", "null", "deep", "twice", "big-number"])
@pytest.mark.parametrize("args", [(), ("--json",)], ids=["table", "json"])
def test_what_is_no_report_is_refused(sandbox, content, args):
    result = alone(sandbox, *args, setup=f"mkdir run/dind; echo '{content}' > run/dind/boot.json")
    assert (result.exit, result.stdout) == (71, ""), result
    assert result.stderr.startswith("error: /run/dind/boot.json: is not a boot report: ")


@pytest.mark.parametrize("setup, part", [
    ("mkdir -p run/dind/boot.json", "is a folder"),
    ("mkdir run/dind; mkfifo run/dind/boot.json", "regular"),
    ("mkdir run/dind; echo '{}' > etc/x; ln -s /etc/x run/dind/boot.json", "symbolic"),
    ("mkdir etc/d; echo '{}' > etc/d/boot.json; ln -s /etc/d run/dind", "symbolic"),
    ("mkdir run/dind; truncate -s 2M run/dind/boot.json", "is longer than"),
], ids=["folder", "fifo", "link", "folder-link", "long"])
def test_what_is_no_file_of_ours_is_not_read(sandbox, setup, part):
    result = alone(sandbox, setup=setup, timeout=10)
    assert (result.exit, result.stdout) == (71, ""), result
    assert "/run/dind/boot.json" in result.stderr and part in result.stderr


def test_reading_changes_nothing(sandbox):
    assert alone(sandbox).changes == {}


# ---- its form, as documented ----


def test_the_documented_form_is_the_one_that_is_written(sandbox):
    """docs/boot-report.md has the schema; jsonschema judges."""
    schema = json.loads(re.search(r"^```json\n(.*?)^```$", (TOP / "docs/boot-report.md").read_text(), re.M | re.S)[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for result in (start(sandbox), start(sandbox, **THREE)):
        validator.validate(json.loads(result.out("boot.json")))
    validator.validate(start_rootless(sandbox)[1])
    for file in sorted((TOP / "tests/fixtures/reports").glob("*.json")):
        report = json.loads(file.read_text())
        validator.validate(report)
        for key in list(report):
            lacking = {name: value for name, value in report.items() if name != key}
            assert key in ("command", "clock") or not validator.is_valid(lacking), key
