"""What PID 1 is while the engine runs: the same to every signal as tini, confined, and of next to no memory."""

import os
import shutil
import signal
from pathlib import Path

import kernel
import pytest
from processes import children_of, settled, state, status_of, wait_until
from sandbox import NO_TLS, ROOTLESS

TOP = Path(__file__).resolve().parents[2]


def find_tini():
    found = shutil.which("tini-static") or shutil.which("tini")
    inside = TOP / "build/roots/trixie/usr/bin/tini-static"
    return found or (inside if inside.exists() else None)


# ---- every signal, beside tini ----

# A shell would have what it starts in the background ignore two of the signals.
BELOW = """exec python3 -c 'import subprocess, sys
status = subprocess.Popen(sys.argv[1:]).wait()
open("/out/status", "w").write(str(status if status >= 0 else 128 - status))' """
TINI = "/tini -s -- /bin/sh /stub/dockerd.sh"


def start(sandbox, tini=None, first=True):
    """A start with the launcher or with tini, as PID 1 or below another; the host's pids of the init and of its child."""
    setup = f"cp {tini} tini" if tini else ""
    around = ("exec " if first else BELOW) + (TINI if tini else '"$@"')
    running = sandbox.start(env={**NO_TLS, "DIND_INIT": "builtin"}, setup=setup, around=around, dockerd="exec sleep 60")

    def engine():
        for init in [running.pid] if first else children_of(running.pid):
            for child in children_of(init):
                if (status := status_of(child)) and status["Name"] == "sleep":
                    return init, child
        return None

    init, child = wait_until(engine, "no engine")
    # In its last state before it waits for signals.
    wait_until(lambda: (status_of(init) or {}).get("Seccomp") == "2" or tini, "no supervisor")
    wait_until(lambda: state(init) == "runs" and (status_of(init) or {})["State"][0] == "S", "no wait")
    return running, init, child


def fate(sandbox, tini, number, first):
    """What a signal to the init does to both, and the exit status after a SIGTERM that follows."""
    running, init, child = start(sandbox, tini, first)
    os.kill(init, number)
    if state(init) == "runs":
        wait_until(lambda: settled(init), "init does not take it")
    wait_until(lambda: settled(child), "child does not take it")
    wait_until(lambda: state(child) != "gone" or state(init) == "gone", "init does not end")
    after = state(init), state(child) if state(init) != "gone" else None
    for pid in (init, child):
        if state(pid) == "stopped":
            os.kill(pid, signal.SIGCONT)
    if state(init) != "gone":
        os.kill(init, signal.SIGTERM)
    result = running.wait()
    status = result.exit if first else int(result.out("status"))
    return (*after, status)


# What the kernel spares PID 1, what a terminal sends, what cannot be caught, what the C library keeps, and some of the rest.
BELOW_ANOTHER = (*range(1, 12), 13, 15, *range(17, 23), 28, 31, 32, 33, 34, 64)


@pytest.mark.parametrize("first, numbers", [(True, range(1, 65)), (False, BELOW_ANOTHER)], ids=["as-pid-1", "below-another"])
def test_every_signal_does_what_it_does_with_tini(sandbox, first, numbers):
    tini = find_tini()
    if not tini:
        pytest.skip("needs tini")
    differing = {}
    for number in numbers:
        ours, theirs = (fate(sandbox, which, number, first) for which in (None, tini))
        if ours != theirs:
            differing[number] = (ours, theirs)
    assert differing == {}, "signal: (init, child, exit status) here, and with tini"


# ---- what it can do ----


@pytest.mark.parametrize("name", sorted(kernel.SYSCALLS))
def test_any_other_system_call_kills_it(sandbox, name):
    running = sandbox.start(env=NO_TLS, dockerd=": > /out/ready; sleep 60")
    running.wait_for_file("ready")
    wait_until(lambda: status_of(running.pid)["Seccomp"] == "2", "no filter")
    assert os.WTERMSIG(kernel.ask_in(running.pid, name)) == signal.SIGSYS
    assert running.wait().exit == -signal.SIGSYS


def test_a_stop_and_a_continue_leave_the_supervisor_in_its_filter(sandbox):
    running, init, child = start(sandbox)
    os.kill(init, signal.SIGSTOP)
    wait_until(lambda: state(init) == "stopped", "not stopped")
    os.kill(init, signal.SIGHUP)
    os.kill(init, signal.SIGCONT)
    wait_until(lambda: state(child) == "gone", "SIGHUP did not arrive")
    assert running.wait().exit == 128 + signal.SIGHUP


@pytest.mark.parametrize("how", [{}, ROOTLESS], ids=["root", "rootless"])
def test_it_holds_no_privilege_after_it_started_itself_again(sandbox, how):
    result = sandbox.run(env=NO_TLS, dockerd="until grep -q '^Seccomp:.2' /proc/1/status; do sleep 0.01; done\n"
                         "cat /proc/1/status > /out/status; tr '\\0' ' ' < /proc/1/cmdline > /out/cmdline", **how)
    status = dict(line.split(":\t", 1) for line in result.out("status").splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
    assert result.out("cmdline").startswith("dockerd-entrypoint: init ")


def test_it_keeps_nothing_of_the_preparation_in_memory(sandbox):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs"}, look="""
        until grep -q '^Seccomp:.2' /proc/1/status; do sleep 0.01; done; cat /proc/1/smaps > /out/smaps""")
    maps, name = {}, None
    for line in result.out("smaps").splitlines():
        if line.endswith("kB"):
            key, value, _ = line.split()
            maps[name][key] = maps[name].get(key, 0) + int(value)
        elif "VmFlags" not in line and "THPeligible" not in line and "ProtectionKey" not in line:
            name = line.split()[5] if len(line.split()) > 5 else ""
            maps.setdefault(name, {})
    assert "[heap]" not in maps
    assert maps["[stack]"]["Anonymous:"] <= 16, "kB"
    if not any(".so" in name for name in maps):  # without a loader nothing else is written to
        assert sum(part.get("Anonymous:", 0) for part in maps.values()) <= 32
        assert sum(part.get("Private_Clean:", 0) + part.get("Private_Dirty:", 0) for part in maps.values()) < 256


def test_where_proc_is_out_of_reach_it_supervises_all_the_same(sandbox):
    """/proc/self/exe cannot be executed: then in the memory of the preparation."""
    running = sandbox.start(env=NO_TLS, dockerd="trap 'exit 7' TERM; : > /out/ready; while :; do sleep 0.01; done", around="""
        exec strace -D -f -o /dev/null -e trace=execve -P /proc/self/exe -e inject=execve:error=EACCES "$@" """)
    running.wait_for_file("ready")
    running.signal(signal.SIGTERM)
    assert running.wait().exit == 7


def test_the_title_alone_supervises_nothing(sandbox):
    result = sandbox.run(env=NO_TLS, around="""
        python3 -c 'import os, sys; os.execv("/usr/local/bin/dockerd-entrypoint", sys.argv[1:])' 'dockerd-entrypoint: init' 12 0
        echo $? > /out/alone
        python3 -c 'import os, sys; os.execv("/usr/local/bin/dockerd-entrypoint", sys.argv[1:])' 'dockerd-entrypoint: init' x 0
        echo $? > /out/word""")
    assert (result.out("alone"), result.out("word")) == ("71\n", "64\n")


# ---- orphans ----


def test_ten_thousand_orphans_under_load_are_all_reaped(sandbox):
    """Four at a time come to it, while signals are to be forwarded."""
    result = sandbox.run(env=NO_TLS, timeout=120, dockerd="""
        trap : USR1
        for part in 1 2 3 4; do
            (i=0; while [ $i -lt 2500 ]; do (/bin/true &); i=$((i + 1)); done; echo $i > /out/part$part) &
        done
        while [ "$(cat /out/part? 2>/dev/null | wc -l)" -lt 4 ]; do kill -USR1 1; sleep 0.01; done
        wait; wait; wait; wait; wait
        tries=0
        # By the shell itself: whatever else counts would be counted. The init and this shell are to be left.
        while set -- /proc/[0-9]*; [ $# -gt 2 ]; do
            tries=$((tries + 1)); [ $tries -lt 500 ] || { cat /proc/[0-9]*/stat; exit 9; }
            sleep 0.02
        done
        cat /out/part?; cut -d ' ' -f 11,13 /proc/1/stat""")
    assert result.exit == 0, result
    assert result.stdout.split()[:4] == ["2500"] * 4
