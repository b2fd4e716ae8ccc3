"""dindctl health beside the engine: how it finds the instance that runs, and names the stage that is not ready."""

import json

import pytest
from sandbox import NO_TLS, ROOTLESS, Host

# An engine that answers: python3 as dockerd, /stub/engine.py with the socket's path or a port, and what it answers.
ENGINE = """
import os, socket, sys
path, answer = sys.argv[1], sys.argv[2]
if path.isdecimal():
    server = socket.create_server(("127.0.0.1", int(path)))
else:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
open("/out/ready", "w").close()
while not os.path.exists("/out/stop"):
    server.settimeout(0.02)
    try:
        connection, _ = server.accept()
    except TimeoutError:
        continue
    connection.setblocking(True)
    request = connection.recv(4096).decode()
    with open("/out/request", "a", newline="") as file:
        file.write(request)
    connection.sendall(answer.encode().decode("unicode_escape").encode("latin-1"))
    connection.close()
"""
OK = r"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\n\r\nOK"
SOCKET = "/var/run/docker.sock"


def ask(sandbox, *words, answer=OK, socket=SOCKET, args=(), env=None, before="", prefix="", **how):
    """Starts an engine that answers so, and asks for its health beside it: as docker exec or a HEALTHCHECK does."""
    result = sandbox.run(args, {**NO_TLS, **(env or {})}, stub={"engine.py": ENGINE}, timeout=15,
                         dockerd=f"exec python3 /stub/engine.py {socket} '{answer}'", around=f"""
        "$@" & launcher=$!
        until [ -e /out/ready ]; do sleep 0.01; done
        {before}
        {prefix} dindctl health {' '.join(words)} > /out/said 2> /out/error
        echo $? > /out/status; : > /out/stop; wait $launcher""", **how)
    assert result.exit == 0, result
    return int(result.out("status")), result.out("said"), result.out("error"), result.out("request") or ""


def alone(sandbox, *words, env=None, **how):
    result = sandbox.run(["health", *words], env, program="dindctl", timeout=15, **how)
    return result.exit, result.stdout, result.stderr


def check_not_ready(answer, *parts):
    assert answer[:2] == (1, ""), answer
    assert answer[2].startswith("error: not ready: ") and len(answer[2].splitlines()) == 1, answer
    for part in parts:
        assert part in answer[2], answer


def test_an_engine_that_answers_is_ready(sandbox):
    status, said, error, request = ask(sandbox)
    assert (status, said, error) == (0, "ready\n", "")
    assert request.split("\r\n")[:2] == ["GET /_ping HTTP/1.0", "Host: docker"] and request.endswith("\r\n\r\n")


@pytest.mark.parametrize("args, env, socket", [
    ([], {"DOCKER_HOST": "unix:///run/other.sock"}, "/run/other.sock"),
    ([], {"DIND_API_UNIX_PATH": "/srv/mine.sock"}, "/srv/mine.sock"),
    (["dockerd", "-H", "unix:///run/explicit.sock"], {}, "/run/explicit.sock"),
])
def test_the_socket_of_the_running_instance_is_found(sandbox, args, env, socket):
    """Whatever the environment of who asks: the record counts."""
    assert ask(sandbox, args=args, env=env, socket=socket, prefix="env -u DOCKER_HOST -u DIND_API_UNIX_PATH")[0] == 0


@pytest.mark.parametrize("args, config", [
    (["dockerd", "-H", "tcp://127.0.0.1:12375"], None),
    (["dockerd", "-H", "tcp://0.0.0.0:12375"], None),
    (["dockerd", "-H", ":12375"], None),
    (["dockerd"], 'daemon: {hosts: ["tcp://127.0.0.1:12375"]}'),
], ids=["address", "every-address", "short", "configuration"])
def test_an_engine_without_a_unix_socket_is_asked_over_tcp(sandbox, args, config):
    assert ask(sandbox, args=args, host=Host(config=config), socket=12375)[0] == 0


def test_a_recorded_instance_comes_before_docker_host(sandbox):
    assert ask(sandbox, prefix="DOCKER_HOST=unix:///run/none.sock")[0] == 0


def test_docker_host_is_asked_where_no_instance_is_recorded(sandbox):
    check_not_ready(alone(sandbox, env={"DOCKER_HOST": "unix:///run/none.sock"}), "engine not listening: unix:///run/none.sock")


AS_USER = "setpriv --reuid=2000 --regid=2000 --clear-groups"


def test_an_ordinary_user_finds_the_instance_of_root(sandbox):
    """mode: rootless may be started as root, and a health check may run as the user."""
    assert ask(sandbox, before="chmod 666 /run/docker.sock", prefix=AS_USER)[0] == 0
    assert ask(sandbox, before="chmod 666 /run/docker.sock", prefix=f"XDG_RUNTIME_DIR=/run/user/2000 {AS_USER}")[0] == 0


def test_a_socket_that_the_user_may_not_use_is_told_with_the_remedy(sandbox):
    status, said, error, _ = ask(sandbox, before="chmod 600 /run/docker.sock", prefix=AS_USER)
    assert (status, said) == (1, "")
    assert "unix:///var/run/docker.sock: Permission denied" in error
    assert "hint: ask as root, or as a member of the socket's group" in error


def test_a_record_that_has_ended_does_not_hide_one_that_runs(sandbox):
    before = """chmod 666 /run/docker.sock; mkdir -p /run/user/2000/dind
        echo '{"pid": 1, "started": 1, "socket": "/none"}' > /run/user/2000/dind/instance.json"""
    assert ask(sandbox, before=before, prefix=AS_USER)[0] == 0


def test_a_rootless_engine_is_found_in_its_runtime_folder(sandbox):
    assert ask(sandbox, socket="/run/user/2000/docker.sock", **ROOTLESS)[:3] == (0, "ready\n", "")


def test_another_engine_can_be_asked_by_name(sandbox):
    assert ask(sandbox, "--host", "unix:///run/elsewhere.sock", args=["dockerd"], socket="/run/elsewhere.sock")[0] == 0
    assert ask(sandbox, "--host=unix:///run/elsewhere.sock", args=["dockerd"], socket="/run/elsewhere.sock")[0] == 0


def test_before_any_start_the_launcher_is_the_stage(sandbox):
    check_not_ready(alone(sandbox), "launcher: no engine was started yet", "/run/dind/instance.json: No such file or directory")


def test_an_instance_that_has_ended_is_told(sandbox):
    result = sandbox.run(env=NO_TLS, around='"$@" && dindctl health > /out/said 2> /out/error; echo $? > /out/status')
    check_not_ready((int(result.out("status")), result.out("said"), result.out("error")),
                    "launcher: the instance of /run/dind/instance.json", "has ended")


def test_a_record_of_an_earlier_life_of_the_container_does_not_count(sandbox):
    """/run may survive, and pid 1 is always there: the time of its start tells."""
    setup = """mkdir run/dind
        echo '{"pid": 1, "started": 1, "mode": "rootful", "socket": "/var/run/docker.sock"}' > run/dind/instance.json"""
    check_not_ready(alone(sandbox, setup=setup), "has ended")


def test_an_engine_that_does_not_listen_yet_is_told(sandbox):
    result = sandbox.run(env=NO_TLS, look="dindctl health > /out/said 2> /out/error; echo $? > /out/status")
    check_not_ready((int(result.out("status")), result.out("said"), result.out("error")),
                    "engine not listening: unix:///var/run/docker.sock: No such file or directory")


def test_a_socket_that_an_engine_left_behind_is_told(sandbox):
    result = sandbox.run(env=NO_TLS, look="""
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/docker.sock")'
        dindctl health > /out/said 2> /out/error; echo $? > /out/status""")
    check_not_ready((int(result.out("status")), result.out("said"), result.out("error")),
                    "engine not listening: unix:///var/run/docker.sock: Connection refused")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": "1", "started": null, "socket": 5}', "x" * 100000,
                                     '{"pid": 99999999999999999999, "started": 1, "socket": "/x"}'],
                         ids=["empty", "cut-off", "list", "pid-only", "types", "long", "big-number"])
def test_a_broken_record_is_not_ready_and_no_crash(sandbox, content):
    check_not_ready(alone(sandbox, setup=f"mkdir run/dind; echo '{content}' > run/dind/instance.json"), "/run/dind/instance.json")


@pytest.mark.parametrize("setup", ["mkdir -p run/dind/instance.json", "mkdir run/dind; mkfifo run/dind/instance.json",
                                   "mkdir run/dind; ln -s /etc/passwd run/dind/instance.json"], ids=["folder", "fifo", "link"])
def test_what_is_no_record_is_not_read(sandbox, setup):
    check_not_ready(alone(sandbox, setup=setup), "/run/dind/instance.json")


def test_a_broken_configuration_does_not_matter(sandbox):
    """The engine runs with the one that it was started with."""
    assert ask(sandbox, before="mkdir /etc/dind; echo 'mdoe: x' > /etc/dind/config.yaml")[0] == 0


def test_asking_changes_nothing(sandbox):
    result = sandbox.run(["health"], program="dindctl")
    assert result.changes == {}


# ---- a slow start ----

# dockerd: waits before it listens, then before it answers; then it says that it is not ready, and at last that it is.
SLOW_ENGINE = """
import contextlib, os, socket, time
def mark(name):
    open("/out/" + name, "w").close()
def until(name):
    while not os.path.exists("/out/" + name):
        time.sleep(0.005)
mark("engine-started")
until("listen")
server = socket.socket(socket.AF_UNIX)
server.bind("/run/docker.sock")
server.listen()
mark("listens")
until("answer")
server.settimeout(0.02)
while not os.path.exists("/out/stop"):
    try:
        connection, _ = server.accept()
    except TimeoutError:
        continue
    with contextlib.suppress(BrokenPipeError), connection:  # of who has given up waiting
        connection.recv(4096)
        ready = os.path.exists("/out/be-ready")
        connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\nOK" if ready else b"HTTP/1.1 503 Service Unavailable\\r\\n\\r\\nstarting")
"""
SLOW_IPTABLES = """rm usr/local/bin/iptables
echo '#!/bin/sh
: > /out/iptables-started; until [ -e /out/iptables ]; do sleep 0.01; done' > usr/local/bin/iptables
chmod 755 usr/local/bin/iptables
mkdir -p certs/ca
"""


def test_each_stage_of_a_slow_start_is_named(sandbox):
    """And who waits for all of it, is told once it is over."""
    result = sandbox.run(setup=SLOW_IPTABLES, stub={"engine.py": SLOW_ENGINE}, dockerd="exec python3 /stub/engine.py", timeout=60,
                         around="""
        ask() { dindctl health --json --timeout 1s > /out/said-$1 2>> /out/errors; }
        until_there() { until [ -e /out/$1 ]; do sleep 0.01; done; }
        flock /certs/ca/.lock sh -c ': > /out/locked; until [ -e /out/unlock ]; do sleep 0.01; done' &
        until_there locked
        dindctl health --wait 60s > /out/waited 2>&1 & waiter=$!
        ask before
        "$@" & launcher=$!
        until_there iptables-started; ask network; : > /out/iptables
        until ask files; grep -q certificates /out/said-files; do sleep 0.01; done; : > /out/unlock
        until_there engine-started; ask started; : > /out/listen
        until_there listens; ask listening; : > /out/answer
        until ask answering; grep -q 503 /out/said-answering; do sleep 0.01; done; : > /out/be-ready
        ask ready
        wait $waiter; echo $? >> /out/waited
        : > /out/stop; wait $launcher""")
    assert result.exit == 0, result
    assert result.out("errors") == ""
    asked = {name: json.loads(result.out(f"said-{name}"))
             for name in ("before", "network", "files", "started", "listening", "answering", "ready")}
    assert {name: (answer["stage"], answer["phase"], answer["step"]) for name, answer in asked.items()} == {
        "before": ("launcher", None, None),
        "network": ("launcher", "network", "iptables"),
        "files": ("launcher", "files", "certificates"),
        "started": ("engine-not-listening", None, None),
        "listening": ("engine-not-answering", None, None),
        "answering": ("engine-error", None, None),
        "ready": ("ready", None, None)}
    assert asked["network"]["detail"] == "it prepares the start: network: iptables"
    assert asked["answering"]["detail"] == "unix:///var/run/docker.sock: status 503: starting"
    assert [name for name, answer in asked.items() if answer["ready"]] == ["ready"]
    assert {answer["host"] for answer in list(asked.values())[3:]} == {"unix:///var/run/docker.sock"}
    assert result.out("waited") == "ready\n0\n"


def test_the_phase_of_mounts_is_named_where_run_can_be_written_to_already(sandbox):
    result = sandbox.run(env=NO_TLS, timeout=60, around="""
        strace -f -o /dev/null -e trace=mount -e inject=mount:delay_enter=3000000:when=1 "$@" & launcher=$!
        until dindctl health > /out/said 2>&1; grep -q 'launcher: it prepares' /out/said; do kill -0 $launcher || exit 1; done
        wait $launcher""")
    assert result.exit == 0, result
    assert result.out("said").startswith("error: not ready: launcher: it prepares the start: mounts: ")


def test_a_start_that_failed_is_no_start(sandbox):
    """What is recorded of it has ended, and does not look as if it still prepared."""
    result = sandbox.run(env={"DIND_CGROUP_NESTING": "required", **NO_TLS}, host=Host(cgroup="v2", cgroup_read_only=True, drop=["SYS_ADMIN"]),
                         around='"$@"; dindctl health --json > /out/said')
    assert json.loads(result.out("said"))["stage"] == "launcher", result


# ---- names ----

# A name server that never answers, or sends an answer without end: it is too long for a datagram, says the first packet
# (RFC 1035, 4.1.1: TC), and over TCP it comes byte by byte.
NAME_SERVER = """
import os, socket, sys, time
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 53))
streams = socket.create_server(("127.0.0.1", 53))
if os.fork():
    sys.exit()
while True:
    question, client = datagrams.recvfrom(512)
    open("/out/asked", "w").close()
    if sys.argv[1] == "trickles":
        datagrams.sendto(question[:2] + bytes([0x83, 0x80]) + question[4:], client)
        connection, _ = streams.accept()
        connection.sendall(bytes([0xff, 0xff]))
        while True:
            connection.sendall(b"x")
            open("/out/sent", "a").write("x")
            time.sleep(0.02)
"""


@pytest.mark.parametrize("server", ["says nothing", "trickles"])
def test_a_name_that_takes_too_long_is_told_within_the_time_for_an_answer(sandbox, server):
    result = sandbox.run(["health", "--host", "tcp://slow.test:2375", "--timeout", "1s"], program="dindctl", timeout=15,
                         stub={"names.py": NAME_SERVER}, setup=f"""
        rm -f etc/resolv.conf; printf 'nameserver 127.0.0.1\noptions timeout:30\n' > etc/resolv.conf
        python3 /stub/names.py '{server}'""")
    check_not_ready((result.exit, result.stdout, result.stderr), "name unknown: tcp://slow.test:2375: slow.test could not be resolved in time")
    assert result.out("asked") is not None and bool(result.out("sent")) == (server == "trickles"), result
