"""ready.file and shutdown.*: when the engine counts as ready, and how it is brought to its end."""

import json
import os
import signal

import pytest
from processes import children_of, status_of
from sandbox import NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

# An engine that answers on its socket once /out/answers is there, says that what /out/containers names is running, and
# notes signals. It ends with status 4 on SIGTERM and SIGINT, unless /out/stubborn is there, and on USR2 at once.
ENGINE = r"""
import json, os, select, signal, socket, sys

def note(number, frame):
    with open("/out/got", "a") as file:
        file.write(signal.Signals(number).name + "\n")
    if number == signal.SIGUSR2 or number != signal.SIGHUP and not os.path.exists("/out/stubborn"):
        os._exit(4)

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
    signal.signal(number, note)
open("/out/begun", "w").close()
while not os.path.exists("/out/answers"):
    select.select([], [], [], 0.01)
path = [word for word in open("/out/dockerd/argv").read().split("\0") if word.startswith("--host=unix://")][0][14:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(8)
open("/out/listens", "w").close()
while True:
    connection, _ = server.accept()
    request = connection.recv(4096).split()
    body, status = b"OK", b"200 OK"
    if request[1].startswith(b"/containers/json"):
        names = open("/out/containers").read().split() if os.path.exists("/out/containers") else []
        body = json.dumps([{"Names": ["/" + name]} for name in names]).encode()
        status = b"500 No" if os.path.exists("/out/broken") else status
        open("/out/asked", "a").write("x")
    connection.sendall(b"HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
    connection.close()
"""


@pytest.fixture
def start(sandbox):
    """Starts that engine with these options."""
    def with_options(config="", listening=True, **how):
        how.setdefault("host", Host(config="version: 1\n" + config))
        before = "mkdir -p /shared; chmod 1777 /shared; " + how.pop("setup", "")
        running = sandbox.start(env=NO_TLS, dockerd="exec python3 /stub/engine.py", stub={"engine.py": ENGINE}, setup=before, **how)
        running.wait_for_file("begun")
        if listening:
            running.out_path("answers").touch()
            running.wait_for_file("listens")
        return running
    return with_options


def messages(result, prefix="shutdown: "):
    return [line["msg"] for line in result.log() if line["msg"].startswith(prefix)]


def got(result):
    return (result.out("got") or "").split()


# ---- shutdown.timeout ----


def test_an_engine_that_ends_in_time_is_not_killed(start):
    running = start("shutdown: {timeout: 60}")
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]
    told = messages(result)
    assert told[0] == "shutdown: SIGTERM to the engine, SIGKILL after 60 s"
    assert told[1].startswith("shutdown: the engine ended after ") and len(told) == 2


def test_an_engine_that_takes_too_long_is_killed_with_its_whole_group(start):
    running = start("shutdown: {timeout: 1}")
    running.out_path("stubborn").touch()
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.exit == 128 + signal.SIGKILL and got(result) == ["SIGTERM"]
    warned = result.log("warning")[-1]
    assert warned["msg"] == "shutdown: the engine has not ended within 1 s: SIGKILL to it and its process group"
    assert "shutdown.timeout" in warned["hint"]


def test_without_a_timeout_nobody_kills_it(start):
    running = start("shutdown: {wait_for_idle: 60}")
    running.out_path("stubborn").touch()
    running.signal(signal.SIGTERM)
    running.wait_for_log("SIGTERM to the engine")
    running.signal(signal.SIGUSR2)
    result = running.wait()
    assert result.exit == 4
    assert messages(result)[1] == "shutdown: SIGTERM to the engine"


def test_more_signals_reach_an_engine_that_is_stopping(start):
    running = start("shutdown: {timeout: 60}")
    running.out_path("stubborn").touch()
    for number, seen in ((signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGTERM, 3), (signal.SIGHUP, 4), (signal.SIGUSR2, 5)):
        running.signal(number)
        running.wait_for("got", lambda text, seen=seen: text.count("\n") == seen)
    result = running.wait()
    assert got(result) == ["SIGTERM", "SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]
    assert "shutdown: SIGINT once more, to the engine" in messages(result)


def test_an_interrupt_is_passed_on_as_an_interrupt(start):
    running = start("shutdown: {timeout: 60}")
    running.signal(signal.SIGINT)
    assert got(running.wait()) == ["SIGINT"]


def test_a_signal_before_the_engine_answers_is_not_held_back(start):
    running = start("shutdown: {timeout: 60, wait_for_idle: 60}\nready: {file: /shared/ready}", listening=False)
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]


# ---- shutdown.wait_for_idle ----


def test_containers_may_finish_before_the_engine_is_told(start):
    running = start("shutdown: {wait_for_idle: 60, timeout: 60}")
    running.out_path("containers").write_text("web db")
    running.signal(signal.SIGTERM)
    running.wait_for_log("waiting up to 60 s for 2 containers to finish: web, db")
    running.signal(signal.SIGHUP)
    assert running.wait_for("got") == "SIGHUP\n", "reloading goes on meanwhile"
    running.out_path("containers").write_text("db")
    running.wait_for_log("for 1 container to finish: db")
    assert running.out_path("got").read_text() == "SIGHUP\n"
    running.out_path("containers").write_text("")
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGHUP", "SIGTERM"]
    assert "shutdown: no container runs any more" in messages(result)


def test_the_wait_is_bounded(start):
    running = start("shutdown: {wait_for_idle: 1}")
    running.out_path("containers").write_text("a b c d e f g")
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]
    told = messages(result)
    assert told[0].endswith("for 7 containers to finish: a, b, c, d, e and 2 more")
    assert told[1] == "shutdown: 7 containers are still running after 1 s: the engine stops what runs"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_hurries(start, number):
    running = start("shutdown: {wait_for_idle: 3600}")
    running.out_path("containers").write_text("web")
    running.signal(signal.SIGTERM)
    running.wait_for_log("1 container to finish")
    running.signal(number)
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]
    assert f"shutdown: {number.name} once more: no more waiting" in messages(result)


def test_an_engine_that_does_not_say_what_runs_is_not_waited_for(start):
    running = start("shutdown: {wait_for_idle: 3600}")
    running.out_path("broken").touch()
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.exit == 4
    assert any("no waiting for containers" in line and "status 500" in line for line in result.warnings())


def test_a_name_of_a_container_cannot_forge_a_log_line(start):
    running = start("shutdown: {wait_for_idle: 1}")
    running.out_path("containers").write_text('x"level=error')
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert [line for line in result.log() if "x\"level=error" in line["msg"]]
    assert not result.log("error")


# ---- shutdown.when_file ----


@pytest.mark.parametrize("path", ["/out/done", "/out/later/done"])
def test_a_file_begins_the_shutdown(start, path):
    running = start(f"shutdown: {{when_file: {path}, timeout: 60}}")
    running.out_path("later").mkdir()
    running.out_path(path.removeprefix("/out/")).touch()
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]
    assert messages(result)[0] == f"shutdown: {path} is there"


def test_a_file_that_is_there_already_counts(sandbox):
    env = {**NO_TLS, "DIND_SHUTDOWN_WHEN_FILE": "/out/done"}
    result = sandbox.run(env=env, setup="touch /out/done", dockerd="sleep 60")
    assert result.exit == 128 + signal.SIGTERM
    assert messages(result)[0] == "shutdown: /out/done is there"


def test_a_file_lets_containers_finish_too(start):
    running = start("shutdown: {when_file: /out/done, wait_for_idle: 3600}")
    running.out_path("containers").write_text("web")
    running.out_path("done").touch()
    running.wait_for_log("1 container to finish")
    running.signal(signal.SIGTERM)
    assert running.wait().exit == 4


# ---- ready.file ----


@pytest.mark.parametrize("how", [{}, ROOTLESS], ids=["root", "rootless"])
def test_the_ready_file_is_there_while_the_engine_is(start, how):
    how = dict(how)
    setup = how.pop("setup", "") + "\ntouch /out/ready; chown 2000 /out/ready; chmod 666 /out/ready"
    running = start("ready: {file: /out/ready}", listening=False, setup=setup, **how)
    assert not running.out_path("ready").exists(), "what an earlier start left is gone"
    running.out_path("answers").touch()
    assert running.wait_for("ready") == "ready\n"
    record = "/run/user/2000/dind" if "uid" in how else "/run/dind"
    with open(f"/proc/{running.pid}/root{record}/instance.json", encoding="utf-8") as file:
        assert json.load(file)["phase"] == "engine", "the record's last word"
    running.out_path("stubborn").touch()
    running.signal(signal.SIGTERM)
    running.wait_for("got")
    assert not running.out_path("ready").exists(), "gone before the engine is told"
    running.signal(signal.SIGUSR2)
    assert running.wait().exit == 4


@pytest.mark.parametrize("env, path, told", [
    ({"DIND_MODE": "rootless"}, "/run/ready", "/run is not writable for uid 2000"), ({"DIND_MODE": "rootless"}, "/run/user/2000/ready", None),
    ({"DIND_MODE": "rootless"}, "/shared/ready", None), ({}, "/run/ready", None), ({}, "/others/ready", "/others is not writable for uid 0"),
], ids=["roots", "users", "shared", "rootful", "of-another"])
def test_a_folder_that_the_ready_file_cannot_be_written_to_is_told_at_the_start(sandbox, env, path, told):
    setup = ROOTLESS_SETUP + "mkdir -m 1777 shared; mkdir -m 755 others; chown 4242:4242 others; mkdir -p run/user/2000; chown 2000 run/user/2000"
    result = sandbox.run(env={**NO_TLS, **env, "DIND_READY_FILE": path}, setup=setup)
    warnings = [w for w in result.warnings() if w.startswith("ready-file: ")]
    assert result.exit == 0 and len(warnings) == bool(told), result
    assert not told or (told in warnings[0] and "name a file in a folder of that user's" in warnings[0])


def test_an_engine_that_dies_is_not_ready(start):
    running = start("ready: {file: /out/ready}")
    running.wait_for("ready")
    running.signal(signal.SIGUSR2)
    result = running.wait()
    assert result.exit == 4 and result.out("ready") is None


@pytest.mark.parametrize("path, word", [("/nowhere/ready", "mount a volume there"), ("/link/ready", "without symbolic links"),
                                        ("/shared", "remove it, or name another file")])
def test_a_ready_file_that_cannot_be_is_refused_before_the_engine_starts(sandbox, path, word):
    result = sandbox.run(env={**NO_TLS, "DIND_READY_FILE": path}, setup="mkdir -p shared; ln -s shared link")
    assert result.exit == 71 and result.started("dockerd") is None
    assert path in result.failure() and word in result.failure()


def test_without_a_request_there_is_no_attendant(sandbox):
    result = sandbox.run(env=NO_TLS, look="cat /proc/[0-9]*/comm > /out/names")
    assert "dind-attendant" not in result.out("names")


# ---- the attendant ----

def test_the_attendant_has_no_privilege(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_SHUTDOWN_TIMEOUT": "60"}, look="""
        until grep -l dind-attendant /proc/[0-9]*/comm > /out/comm; do sleep 0.01; done
        folder=$(dirname $(cat /out/comm))
        until grep -q 'CapBnd:.0000000000000000' $folder/status; do sleep 0.01; done
        cat $folder/status > /out/status; cut -d ' ' -f 4 $folder/stat > /out/parent""")
    status = dict(line.split(":\t", 1) for line in result.out("status").splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1" and result.out("parent") == "1\n"


def test_a_signal_whose_attendant_was_killed_reaches_the_engine(start):
    running = start("shutdown: {timeout: 60, wait_for_idle: 3600}")
    running.out_path("containers").write_text("web")
    running.signal(signal.SIGTERM)
    running.wait_for_log("1 container to finish")
    attendant = next(pid for pid in children_of(running.pid) if status_of(pid)["Name"] == "dind-attendant")
    os.kill(attendant, signal.SIGKILL)
    result = running.wait()
    assert result.exit == 4 and got(result) == ["SIGTERM"]


def test_on_a_terminal_that_stops_background_writers_the_steps_are_told_all_the_same(sandbox):
    """stty tostop: the terminal is the engine's, and the attendant is no part of its group."""
    result = sandbox.run(env={**NO_TLS, "DIND_SHUTDOWN_TIMEOUT": "60"}, around="""exec python3 -c '
import os, pty, signal, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    os.environ["DIND_INIT"] = "builtin"
    os.execvp(sys.argv[1], sys.argv[1:])
modes = termios.tcgetattr(terminal)
modes[3] |= termios.TOSTOP
termios.tcsetattr(terminal, termios.TCSANOW, modes)
while not os.path.exists("/out/begun"):
    time.sleep(0.01)
os.kill(pid, signal.SIGTERM)
try:
    while text := os.read(terminal, 4096):
        os.write(1, text)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@" """, dockerd="trap 'exit 6' TERM; : > /out/begun; while :; do sleep 0.01; done")
    assert result.exit == 6, result
    assert "SIGTERM to the engine, SIGKILL after 60 s" in result.stdout and "the engine ended after" in result.stdout


@pytest.mark.parametrize("init", ["none", "docker-init"])
@pytest.mark.parametrize("option", ["READY_FILE=/run/ready", "SHUTDOWN_TIMEOUT=5", "SHUTDOWN_WAIT_FOR_IDLE=5", "SHUTDOWN_WHEN_FILE=/x"])
def test_without_the_built_in_init_it_is_refused_with_words(sandbox, init, option):
    name, value = option.split("=")
    result = sandbox.run(env={**NO_TLS, "DIND_INIT": init, f"DIND_{name}": value})
    assert result.exit == 78 and result.started("dockerd") is None
    assert f"init is {init}: nobody is there to do it" in result.failure() and "set init: builtin" in result.failure()


def test_the_notify_socket_reaches_the_engine(sandbox):
    """sd_notify(3): dockerd says READY=1 itself."""
    env = {**NO_TLS, "NOTIFY_SOCKET": "/run/notify"}
    assert sandbox.run(env=env).started("dockerd").env["NOTIFY_SOCKET"] == "/run/notify"
    assert sandbox.run(env=env, **ROOTLESS).started("rootlesskit").env["NOTIFY_SOCKET"] == "/run/notify"
