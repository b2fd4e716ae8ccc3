"""PID 1: signals, orphans, exit statuses, and what this process keeps for itself."""

import signal

import pytest
from sandbox import NO_TLS, ROOTLESS, Host

# dockerd as a shell that notes each signal and ends when /out/stop is there.
NOTE_SIGNALS = """
for name in %s; do trap "echo $name >> /out/got" $name; done
: > /out/ready
until [ -e /out/stop ]; do sleep 0.01; done
"""
NAMES = "HUP INT QUIT USR1 USR2 PIPE ALRM TERM CONT WINCH URG IO PWR VTALRM PROF XCPU XFSZ STKFLT RTMIN RTMAX".split()

# Where init is not PID 1 the shell around it takes its place; on USR1 it sends TERM.
AS_CHILD = """
"$@" & echo $! > /out/launcher
trap 'kill -TERM $(cat /out/launcher)' USR1
wait $!; wait $!; echo $? > /out/status
"""


def numbers(name):
    return signal.SIGRTMIN if name == "RTMIN" else signal.SIGRTMAX if name == "RTMAX" else getattr(signal, f"SIG{name}", 16)


def stop(running):
    running.out_path("stop").touch()
    return running.wait()


# ---- signals ----


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_forwarded(sandbox, name):
    number = int(numbers(name))
    running = sandbox.start(env=NO_TLS, dockerd=NOTE_SIGNALS % number)
    running.wait_for_file("ready")
    running.signal(number)
    assert running.wait_for("got") == f"{number}\n"
    result = stop(running)
    assert result.exit == 0, result
    assert result.out("got") == f"{number}\n"


def test_signals_in_a_row_all_arrive(sandbox):
    running = sandbox.start(env=NO_TLS, dockerd=NOTE_SIGNALS % "HUP USR1 TERM")
    running.wait_for_file("ready")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
        running.signal(number)
    running.wait_for("got", lambda text: text.count("\n") == 3)
    result = stop(running)
    assert sorted(result.out("got").split()) == ["HUP", "TERM", "USR1"]


def test_a_stop_by_signal_ends_the_container_with_the_engines_own_status(sandbox):
    running = sandbox.start(env=NO_TLS, dockerd="trap 'exit 3' TERM; : > /out/ready; while :; do sleep 0.01; done")
    running.wait_for_file("ready")
    running.signal(signal.SIGTERM)
    assert running.wait().exit == 3


def test_a_signal_that_comes_before_the_engine_runs_is_not_lost(sandbox):
    """The engine's process is not there yet: fork is held back."""
    running = sandbox.start(env={**NO_TLS, "DIND_INIT": "builtin", "DIND_NETWORK_IPTABLES": "nft"}, dockerd="sleep 60", around="""
        exec strace -D -f -o /dev/null -e trace=clone,fork,clone3 -e inject=clone,fork,clone3:delay_enter=300000:when=1 "$@" """)
    running.wait_for_log("starting dockerd")
    running.signal(signal.SIGTERM)
    assert running.wait(5).exit == 128 + signal.SIGTERM


SLOW_STEP = {"host": Host(without=("iptables",)), "setup": """
    printf '#!/bin/sh\\n: > /out/probing\\nuntil [ -e /out/go ]; do sleep 0.01; done\\n' > usr/local/bin/iptables
    chmod +x usr/local/bin/iptables"""}


@pytest.mark.parametrize("init", ["builtin", "docker-init", "none"])
@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT"])
def test_a_stop_during_the_preparation_ends_it_between_two_steps(sandbox, name, init):
    """docker stop right after docker run. The kernel drops what PID 1 neither handles nor blocks."""
    running = sandbox.start(env={**NO_TLS, "DIND_INIT": init}, dockerd="sleep 60", **SLOW_STEP)
    running.wait_for_file("probing")
    running.signal(numbers(name))
    running.out_path("go").touch()
    result = running.wait(5)
    assert result.exit == 128 + numbers(name)
    assert "dockerd" not in result.programs_started()
    assert result.log()[-1]["msg"] == f"stopped by SIG{name} before pid-files; the engine was not started"
    assert any(line["msg"].startswith("iptables: ") for line in result.log()), "the step itself was not broken off"


@pytest.mark.parametrize("name", ["HUP", "USR1", "ALRM"])
def test_other_signals_during_the_preparation_do_not_hit_an_engine_that_only_begins(sandbox, name):
    running = sandbox.start(env=NO_TLS, dockerd="exit 3", **SLOW_STEP)
    running.wait_for_file("probing")
    running.signal(numbers(name))
    running.out_path("go").touch()
    assert running.wait(5).exit == 3


def test_child_signals_are_not_forwarded(sandbox):
    running = sandbox.start(env=NO_TLS, dockerd=NOTE_SIGNALS % "CHLD USR1")
    running.wait_for_file("ready")
    running.signal(signal.SIGCHLD)
    running.signal(signal.SIGUSR1)
    running.wait_for("got", lambda text: "USR1" in text)
    result = stop(running)
    assert result.exit == 0, result


def test_signals_reach_rootlesskit_without_root(sandbox):
    running = sandbox.start(env=NO_TLS, **ROOTLESS, dockerd=NOTE_SIGNALS % "TERM USR1")
    running.wait_for_file("ready")
    running.signal(signal.SIGTERM)
    assert running.wait_for("got") == "TERM\n"
    assert stop(running).exit == 0


# ---- the end ----


@pytest.mark.parametrize("init", ["builtin", "docker-init", "none"])
@pytest.mark.parametrize("status", [0, 1, 3, 127, 255])
def test_the_engines_exit_status_is_the_containers(sandbox, status, init):
    result = sandbox.run(env={**NO_TLS, "DIND_INIT": init}, dockerd=f"exit {status}")
    assert result.exit == status, result


@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV", "ABRT"])
def test_an_engine_that_dies_of_a_signal_gives_128_and_its_number(sandbox, name):
    result = sandbox.run(env=NO_TLS, dockerd=f"ulimit -c 0; kill -{name} $$; sleep 60")
    assert result.exit == 128 + getattr(signal, f"SIG{name}"), result


def test_the_engine_ends_the_container_although_others_still_run(sandbox):
    result = sandbox.run(env=NO_TLS, dockerd="sleep 60 & exit 5")
    assert result.exit == 5, result


@pytest.mark.parametrize("init", ["builtin", "none"])
def test_an_engine_that_cannot_be_executed_is_126_and_a_missing_one_127(sandbox, init):
    env = {**NO_TLS, "DIND_INIT": init}
    missing = sandbox.run(env=env, host=Host(without=("dockerd",)))
    assert missing.exit == 127, missing
    assert "error: dockerd: not found in PATH" in missing.stderr and "hint: " in missing.stderr
    broken = sandbox.run(env=env, host=Host(without=("dockerd",)), setup="""
        printf '\\177ELF garbage' > usr/local/bin/dockerd; chmod +x usr/local/bin/dockerd""")
    assert broken.exit == 126, broken
    assert "error: /usr/local/bin/dockerd: cannot be executed: Exec format error" in broken.stderr and "hint: " in broken.stderr


# ---- orphans ----

# A grandchild whose parent has ended; /out/orphan has its pid. It ends too, and then has to vanish.
ORPHAN = """
sh -c '(until [ -e /out/seen ]; do sleep 0.01; done) & echo $! > /out/orphan'
cut -d " " -f 4 /proc/$(cat /out/orphan)/stat > /out/parent
: > /out/seen
while [ -e /proc/$(cat /out/orphan) ]; do
    grep -qs 'State:.Z' /proc/$(cat /out/orphan)/status && zombie=$((zombie + 1))
    [ "${zombie:-0}" -lt 500 ] || exit 9
    sleep 0.01
done
"""


def test_orphans_come_to_pid_1_and_are_reaped(sandbox):
    result = sandbox.run(env=NO_TLS, dockerd=ORPHAN + 'grep -ls "State:.Z" /proc/[0-9]*/status > /out/zombies; exit 0')
    assert result.exit == 0, result
    assert result.out("parent") == "1\n"
    assert result.out("zombies") == ""


def test_many_orphans_at_once_are_reaped(sandbox):
    """Signals of one kind do not queue: one SIGCHLD may stand for many."""
    result = sandbox.run(env=NO_TLS, dockerd="""
        sh -c 'for i in $(seq 200); do sleep 0.1 & done'
        tries=0
        while [ $(ls -d /proc/[0-9]* | wc -l) -gt 6 ]; do
            tries=$((tries + 1)); [ $tries -lt 500 ] || exit 9
            sleep 0.02
        done""")
    assert result.exit == 0, result


# ---- what runs where ----

# The engine starts while PID 1 still gives things up.
CONFINED = "until grep -q '^Seccomp:.2' /proc/1/status; do sleep 0.01; done\n"


def test_the_built_in_init_keeps_no_privilege(sandbox):
    result = sandbox.run(env=NO_TLS, look=CONFINED + "cat /proc/1/status > /out/status")
    status = dict(line.split(":\t", 1) for line in result.out("status").splitlines())
    assert status["Name"].startswith("dockerd-entry")
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert result.started("dockerd").status["NoNewPrivs"] == "0", "the engine came first"


def test_the_built_in_init_keeps_no_privilege_without_root_either(sandbox):
    result = sandbox.run(env=NO_TLS, **ROOTLESS, look=CONFINED + "cat /proc/1/status > /out/status")
    status = dict(line.split(":\t", 1) for line in result.out("status").splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_the_built_in_init_holds_no_file_open(sandbox):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs"}, look=CONFINED + "ls /proc/1/fd > /out/fd",
                         around='exec 7</etc/passwd; exec "$@"')
    assert result.out("fd").split() == ["0", "1", "2"]


def test_the_engine_is_a_child_in_a_process_group_of_its_own(sandbox):
    """So that a terminal's Ctrl-C reaches it once, and not from both sides."""
    result = sandbox.run(env=NO_TLS, dockerd="cut -d ' ' -f 1,4,5 /proc/$$/stat > /out/ids")
    pid, parent, group = result.out("ids").split()
    assert parent == "1" and group == pid != "1"


def test_docker_init_wraps_the_engine_when_asked_for(sandbox):
    result = sandbox.run(["--debug"], {**NO_TLS, "DIND_INIT": "docker-init"})
    init, engine = result.started("docker-init"), result.started("dockerd")
    assert init.argv == ["--", "dockerd", *engine.argv]
    assert init.status["Pid"] == "1"


def test_without_init_the_engine_is_pid_1(sandbox):
    assert sandbox.run(env={**NO_TLS, "DIND_INIT": "none"}).started("dockerd").status["Pid"] == "1"


def test_auto_is_the_built_in_init_for_pid_1_and_none_otherwise(sandbox):
    first = sandbox.run(env=NO_TLS).started("dockerd").status
    assert (first["PPid"], first["Pid"] == "1") == ("1", False)
    below = sandbox.run(env=NO_TLS, around='"$@" & echo $! > /out/launcher; wait $!; exit $?')
    assert below.started("dockerd").status["Pid"] == below.out("launcher").strip(), "nobody stands between"


def test_the_built_in_init_works_below_another_pid_1(sandbox):
    """As its subreaper: orphans come to it and not to the other."""
    running = sandbox.start(env={**NO_TLS, "DIND_INIT": "builtin"}, around=AS_CHILD,
                            dockerd="trap 'exit 4' TERM;" + ORPHAN + ": > /out/ready; while :; do sleep 0.01; done")
    running.wait_for_file("ready")
    launcher = running.out_path("launcher").read_text().strip()
    assert running.out_path("parent").read_text().strip() == launcher
    running.signal(signal.SIGUSR1)
    result = running.wait()
    assert result.out("status") == "4\n", result


# ---- a terminal ----


def test_ctrl_c_on_a_terminal_reaches_the_engine_once(sandbox):
    """docker run -it: the engine's group is the foreground, and the interrupt is not forwarded on top."""
    dockerd = "cut -d ' ' -f 5,8 /proc/$$/stat > /out/groups\n" + NOTE_SIGNALS % "INT TERM"
    result = sandbox.run(env=NO_TLS, dockerd=dockerd, around="""exec python3 -c '
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.environ["DIND_INIT"] = "builtin"
    os.execvp(sys.argv[1], sys.argv[1:])
while not os.path.exists("/out/ready"):
    time.sleep(0.01)
os.write(terminal, b"\\x03")
while not os.path.exists("/out/got"):
    time.sleep(0.01)
time.sleep(0.1)
open("/out/stop", "w").close()
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@" """)
    assert result.exit == 0, result
    assert result.out("got") == "INT\n"
    own, foreground = result.out("groups").split()
    assert own == foreground
