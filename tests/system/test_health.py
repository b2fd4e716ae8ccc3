"""dindctl health: asks the engine of the instance that runs, over its Unix socket, and names the stage that is not ready."""

import pytest
from sandbox import NO_TLS, ROOTLESS

# An engine that answers: python3 as dockerd, /stub/engine.py with the socket's path and what to do with a connection.
ENGINE = """
import os, socket, sys, time
path, answer = sys.argv[1], sys.argv[2]
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
    if answer == "silence":
        held = connection
        continue
    request = connection.recv(4096).decode()
    with open("/out/request", "a", newline="") as file:
        file.write(request)
    for piece in answer.encode().decode("unicode_escape").split("|"):
        connection.sendall(piece.encode("latin-1"))
        time.sleep(0.02)
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
    assert request.split("\r\n")[:2] == ["GET /_ping HTTP/1.1", "Host: docker"] and request.endswith("\r\n\r\n")


def test_an_answer_in_pieces_counts(sandbox):
    assert ask(sandbox, answer=r"HT|TP/1.1 2|00 OK\r\n|\r\nOK")[0] == 0


@pytest.mark.parametrize("args, env, socket", [
    ([], {"DOCKER_HOST": "unix:///run/other.sock"}, "/run/other.sock"),
    ([], {"DIND_API_UNIX_PATH": "/srv/mine.sock"}, "/srv/mine.sock"),
    (["dockerd", "-H", "unix:///run/explicit.sock"], {}, "/run/explicit.sock"),
])
def test_the_socket_of_the_running_instance_is_found(sandbox, args, env, socket):
    """Whatever the environment of who asks: the record counts."""
    assert ask(sandbox, args=args, env=env, socket=socket, prefix="env -u DOCKER_HOST -u DIND_API_UNIX_PATH")[0] == 0


def test_a_rootless_engine_is_found_in_its_runtime_folder(sandbox):
    assert ask(sandbox, socket="/run/user/2000/docker.sock", **ROOTLESS)[:3] == (0, "ready\n", "")


def test_another_engine_can_be_asked_by_name(sandbox):
    assert ask(sandbox, "--host", "unix:///run/elsewhere.sock", args=["dockerd"], socket="/run/elsewhere.sock")[0] == 0
    assert ask(sandbox, "--host=unix:///run/elsewhere.sock", args=["dockerd"], socket="/run/elsewhere.sock")[0] == 0


@pytest.mark.parametrize("answer, part", [
    (r"HTTP/1.1 500 Internal Server Error\r\n\r\nno", "engine answers an error: unix:///var/run/docker.sock: HTTP/1.1 500"),
    (r"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 503 Service Unavailable"),
    (r"SSH-2.0-OpenSSH\r\n", "engine answers an error: unix:///var/run/docker.sock: SSH-2.0-OpenSSH"),
    (r"HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 2000"),
    ("", "engine answers an error: unix:///var/run/docker.sock: (nothing)"),
    (r"\x1b[31m\x07red\r\n", "?[31m?red"),
], ids=["500", "503", "no-http", "no-status", "nothing", "terminal-codes"])
def test_any_other_answer_is_not_ready(sandbox, answer, part):
    check_not_ready(ask(sandbox, answer=answer), part)


def test_an_endless_answer_is_cut_off(sandbox):
    check_not_ready(ask(sandbox, answer="x" * 20000), "engine answers an error: ", "xxx")


def test_an_engine_that_says_nothing_is_not_waited_for_for_ever(sandbox):
    check_not_ready(ask(sandbox, "--timeout", "1", answer="silence"), "engine does not answer: unix:///var/run/docker.sock",
                    "timed out")


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


def test_a_path_that_no_socket_can_have_is_told(sandbox):
    check_not_ready(alone(sandbox, "--host", "unix:///" + "x" * 120), "a Unix socket's path has at most 107 bytes")


@pytest.mark.parametrize("host", ["tcp://docker:2376", "unix://relative", "/var/run/docker.sock", ""])
def test_only_unix_sockets_can_be_asked(sandbox, host):
    status, said, error = alone(sandbox, "--host", host)
    assert (status, said) == (1, "")
    assert "only unix:///PATH is understood" in error


def test_a_broken_configuration_does_not_matter(sandbox):
    """The engine runs with the one that it was started with."""
    assert ask(sandbox, before="mkdir /etc/dind; echo 'mdoe: x' > /etc/dind/config.yaml")[0] == 0


def test_asking_changes_nothing(sandbox):
    result = sandbox.run(["health"], program="dindctl")
    assert result.changes == {}
