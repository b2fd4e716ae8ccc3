"""The sockets of the API: who makes them, with which owner and mode, and what is told before the engine starts."""

import os

import pytest

from sandbox import ADDRESS, NO_TLS, ROOTLESS, Host

ACTIVATION = {**NO_TLS, "DIND_API_ACTIVATION": "true"}
SOCKETS = r"""
stat -c '%a %u %g' /var/run/docker.sock > /out/mode
python3 - <<'END' > /out/sockets
import os, socket
for number in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    s = socket.socket(fileno=number)
    device = s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0").decode() if s.family != socket.AF_UNIX else ""
    only = s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) if s.family == socket.AF_INET6 else ""
    print(s.family.name, s.getsockname() if s.family == socket.AF_UNIX else s.getsockname()[:2],
          s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), device, only)
END
"""


def flags(result):
    return [word for word in result.started("dockerd").argv if word.startswith(("--host", "--group"))]


@pytest.mark.parametrize("init", ["builtin", "none"])
def test_the_engine_is_handed_listening_sockets_under_its_own_pid(sandbox, init):
    result = sandbox.run(env={**ACTIVATION, "DIND_INIT": init, "LISTEN_PID": "77", "LISTEN_FDNAMES": "x"}, look=SOCKETS)
    engine = result.started("dockerd")
    assert flags(result) == ["--host=fd://"]
    assert engine.env["LISTEN_FDS"] == "2" and engine.env["LISTEN_PID"] == engine.status["Pid"] and "LISTEN_FDNAMES" not in engine.env
    assert sorted(engine.descriptors) == [0, 1, 2, 3, 4]
    assert result.out("sockets").splitlines() == ["AF_UNIX /var/run/docker.sock 1  ", "AF_INET ('0.0.0.0', 2375) 1  "]


def test_owner_and_mode_are_exact_and_there_are_as_many_as_asked_for(sandbox):
    env = {**ACTIVATION, "DIND_API_UNIX_GROUP": "4242", "DIND_API_UNIX_MODE": "0620", "DIND_API_UNIX_MORE": "/run/a.sock",
           "DIND_API_TCP_ADDRESS": f"127.0.0.1 ::1 {ADDRESS}", "DIND_API_TCP_INTERFACE": "lo"}
    result = sandbox.run(env=env, look=SOCKETS + "stat -c '%a %u %g' /run/a.sock > /out/more",
                         setup="echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip addr add ::1/128 dev lo 2> /dev/null || true")
    assert result.out("mode") == result.out("more") == "620 0 4242\n", result
    assert result.out("sockets").splitlines() == [
        "AF_UNIX /var/run/docker.sock 1  ", "AF_UNIX /run/a.sock 1  ", "AF_INET ('127.0.0.1', 2375) 1 lo ",
        "AF_INET6 ('::1', 2375) 1 lo 1", f"AF_INET ('{ADDRESS}', 2375) 1 lo "]


def test_a_socket_that_an_engine_left_behind_is_replaced(sandbox):
    result = sandbox.run(env=ACTIVATION, look=SOCKETS, setup="python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/var/run/docker.sock\")'")
    assert result.exit == 0 and result.out("sockets").startswith("AF_UNIX"), result


def test_what_is_no_socket_stays(sandbox):
    result = sandbox.run(env=ACTIVATION, setup="echo precious > /var/run/docker.sock")
    assert result.exit == 78 and "is no socket, and in the way" in result.failure(), result
    assert not result.starts("dockerd")


LISTENER = """
python3 - <<'END' &
import socket, time
s = socket.socket(socket.{family})
s.bind({address})
s.listen()
open("/tmp/listening", "w")
time.sleep(60)
END
until [ -e /tmp/listening ]; do sleep 0.01; done
"$@"
"""


@pytest.mark.parametrize("activation", ["true", "false"])
def test_a_port_in_use_is_told_before_the_engine_starts(sandbox, activation):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ACTIVATION": activation, "DIND_INIT": "none"},
                         around=LISTENER.format(family="AF_INET", address='("", 2375)'))
    assert result.exit == 78, result
    assert "tcp://0.0.0.0:2375: Address already in use" in result.failure() and "api.tcp.port" in result.failure()
    assert not result.starts("dockerd") and "/run/dind" not in result.changes


def test_the_socket_of_a_living_engine_is_not_taken_away(sandbox):
    result = sandbox.run(env={**ACTIVATION, "DIND_INIT": "none"}, around=LISTENER.format(family="AF_UNIX", address='"/var/run/docker.sock"'))
    assert result.exit == 78 and "another process listens on it" in result.failure(), result


@pytest.mark.parametrize("env, part", [
    ({"DIND_API_TCP_ADDRESS": "192.0.2.99"}, "tcp://192.0.2.99:2375: Cannot assign requested address"),
    ({"DIND_API_ACTIVATION": "true", "DIND_API_TCP_INTERFACE": "eth7"}, "tcp://0.0.0.0:2375 on eth7: No such device"),
    ({"DIND_API_UNIX_PATH": "/nowhere/docker.sock"}, "there is no folder /nowhere"),
    ({"DIND_API_UNIX_MORE": "/nowhere/docker.sock"}, "there is no folder /nowhere"),
    ({"DOCKER_HOST": "unix:///nowhere/docker.sock"}, "there is no folder /nowhere"),
    ({"DIND_API_UNIX_PATH": "/run/" + "x" * 103}, "is too long for the path of a socket"),
    ({"DIND_API_UNIX_GROUP": "nobodys"}, "api.unix.group: nobodys (environment variable DIND_API_UNIX_GROUP) is not in /etc/group"),
])
def test_bad_places_are_told_before_the_engine_starts(sandbox, env, part):
    result = sandbox.run(env={**NO_TLS, **env})
    assert result.exit == 78 and part in result.failure(), result
    assert not result.starts("dockerd")


def test_a_folder_that_a_mount_brings_is_no_reason_to_refuse(sandbox):
    config = "api: {activation: true, unix: {path: /mnt/shared/docker.sock}}\nmounts: {extra: [{source: tmpfs, target: /mnt/shared, type: tmpfs}]}\n"
    result = sandbox.run(env=NO_TLS, host=Host(config=config), look="ls -l /mnt/shared > /out/folder")
    assert result.exit == 0 and "docker.sock" in result.out("folder"), result


def test_the_path_of_a_rootless_socket_may_be_too_long(sandbox):
    result = sandbox.run(env={**NO_TLS, "XDG_RUNTIME_DIR": "/tmp/" + "x" * 100}, **ROOTLESS)
    assert result.exit == 78 and "the path of a socket at most 107" in result.failure(), result


def test_the_number_of_a_group_needs_no_entry(sandbox):
    result = sandbox.run(env={**NO_TLS, "DOCKER_GROUP_GID": "4242"})
    assert "--group=4242" in flags(result)


def test_a_client_that_comes_before_the_engine_waits_for_it(sandbox):
    """The stub accepts only when the client has connected and written."""
    look = r"""
python3 - <<'END' > /out/answer
import socket
client = socket.create_connection(("127.0.0.1", 2375))
client.sendall(b"early")
print(socket.socket(fileno=4).accept()[0].recv(5).decode())
END
"""
    assert sandbox.run(env=ACTIVATION, look=look).out("answer") == "early\n"
