"""The sockets of the API: who makes them, with which owner and mode, and what is told before the engine starts."""

import shutil

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
if s.family == socket.AF_INET6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
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


V4, V6 = {"family": "AF_INET", "address": '("", 2375)'}, {"family": "AF_INET6", "address": '("::", 2375)'}


@pytest.mark.parametrize("address, taken", [("0.0.0.0", V6), ("::", V4)])
def test_dockerd_needs_the_port_of_both_families_and_sockets_of_ours_that_of_one(sandbox, address, taken):
    env = {**NO_TLS, "DIND_INIT": "none", "DIND_API_TCP_ADDRESS": address}
    result = sandbox.run(env=env, around=LISTENER.format(**taken))
    assert result.exit == 78 and ":2375: Address already in use" in result.failure() and not result.starts("dockerd"), result
    assert sandbox.run(env={**env, "DIND_API_ACTIVATION": "true"}, around=LISTENER.format(**taken)).starts("dockerd")


@pytest.mark.parametrize("env, taken", [
    ({}, V4),
    ({}, V6),
    ({"DIND_ROOTLESS_DETACH_NETNS": "true", "DIND_ROOTLESS_PUBLISH": "off"}, V6),  # the engine itself is out here
])
def test_a_port_that_rootlesskit_would_publish_is_told_when_it_is_in_use(sandbox, env, taken):
    result = sandbox.run(env={**NO_TLS, "DIND_INIT": "none", **env}, around=LISTENER.format(**taken), **ROOTLESS)
    assert result.exit == 78 and "tcp://0.0.0.0:2375: Address already in use" in result.failure(), result
    assert not result.starts("rootlesskit")


@pytest.mark.parametrize("env, taken", [
    ({"DIND_ROOTLESS_PUBLISH": "off"}, V4),
    ({"DIND_ROOTLESS_PORT_DRIVER": "slirp4netns"}, V6),  # it publishes for IPv4 alone
])
def test_a_port_that_rootlesskit_would_not_publish_may_be_in_use(sandbox, env, taken):
    result = sandbox.run(env={**NO_TLS, "DIND_INIT": "none", **env}, around=LISTENER.format(**taken), **ROOTLESS)
    assert result.starts("rootlesskit"), result


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
    ({"DIND_API_UNIX_MORE": "/run/" + "x" * 103}, "is too long for the path of a socket"),
    ({"DIND_API_UNIX_GROUP": "nobodys"}, "api.unix.group: nobodys (environment variable DIND_API_UNIX_GROUP) is not in /etc/group"),
    ({"DIND_API_UNIX_GROUP": "4294967295"}, "api.unix.group: 4294967295 (environment variable DIND_API_UNIX_GROUP) is out of range"),
])
@pytest.mark.parametrize("activation", ["true", "false"])
def test_bad_places_are_told_before_the_engine_starts(sandbox, env, part, activation):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ACTIVATION": activation, **env})
    assert result.exit == 78 and part in result.failure(), result
    assert not result.starts("dockerd")


@pytest.mark.parametrize("activation", ["true", "false"])
@pytest.mark.parametrize("env, part", [
    ({"DIND_API_UNIX_MORE": "/run/docker.sock"}, "names /run/docker.sock, which is one of the engine's sockets already"),
    ({"DIND_API_UNIX_MORE": "/run/a.sock /run//a.sock"}, "names /run//a.sock, which is"),
    ({"DIND_API_TCP_ADDRESS": f"{ADDRESS} {ADDRESS}"}, f"names {ADDRESS} twice"),
    ({"DIND_API_TCP_ADDRESS": f"{ADDRESS} 0.0.0.0"}, f"names {ADDRESS} and 0.0.0.0, and one port cannot be had on both"),
])
def test_what_is_named_twice_is_told_before_the_engine_starts(sandbox, env, part, activation):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ACTIVATION": activation, **env})
    assert result.exit == 78 and part in result.failure() and "hint: " in result.failure(), result
    assert not result.starts("dockerd") and not result.changes


def test_a_folder_that_is_no_link_has_sockets_of_its_own(sandbox):
    result = sandbox.run(env={**ACTIVATION, "DIND_API_UNIX_MORE": "/run/docker.sock"}, look="ls /run/*.sock /var/run/*.sock > /out/sockets",
                         setup="rm /var/run; mkdir /var/run")
    assert result.out("sockets") == "/run/docker.sock\n/var/run/docker.sock\n", result


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


# ---- who may reach them ----


ALLOW = {**NO_TLS, "DIND_API_ALLOW": "192.0.2.0/24 2001:db8::7"}


def test_rules_of_both_families_are_there_before_the_engine_starts(sandbox):
    result = sandbox.run(env=ALLOW, look="ls /out > /out/then")
    assert result.exit == 0, result
    assert "-A DIND-API-2375-OUTSIDE -s 192.0.2.0/24 -j RETURN" in result.rules() and "-I INPUT 1 -j DIND-API-2375" in result.rules()
    assert "-A DIND-API-2375-OUTSIDE -s 2001:db8::7 -j RETURN" in result.rules("ip6tables") and "-I INPUT 1 -j DIND-API-2375" in result.rules("ip6tables")
    assert "-A DIND-API-2375 -p tcp ! --dport 2375 -j RETURN" in result.rules()
    assert "ip6tables" in result.out("then").split()


def test_what_was_there_at_the_start_is_outside_but_for_bridges_of_an_earlier_engine(sandbox):
    result = sandbox.run(env=ALLOW, setup="ip link add any-name type bridge; ip link add eth1 type veth peer name eth1-peer")
    assert {rule.split()[3] for rule in result.rules() if " -g " in rule} == {"eth0", "eth0-peer", "eth1", "eth1-peer"}


def test_the_rules_go_through_the_iptables_that_the_engine_will_use(sandbox):
    result = sandbox.run(env={**ALLOW, "DIND_NETWORK_IPTABLES": "legacy"})
    assert not result.rules() and result.rules("iptables-legacy") and result.rules("ip6tables-legacy")


@pytest.mark.parametrize("failing", ["iptables", "ip6tables"])
def test_a_rule_that_cannot_be_made_is_fatal(sandbox, failing):
    words = f"{failing} v1.8.9 (nf_tables): Could not fetch rule set generation id"
    result = sandbox.run(env={**ALLOW, "DIND_NETWORK_IPTABLES": "nft"}, stub={f"{failing}.exit": "0\n0\n0\n0\n4\n", f"{failing}.words": words})
    assert result.exit == 71 and f"`{failing} -w -A DIND-API-2375-OUTSIDE" in result.failure() and f"failed: {words}\n" in result.failure(), result
    assert not result.starts("dockerd")


def test_chains_that_are_there_already_are_made_anew(sandbox):
    exits = "1\n0\n1\n" + "0\n" * 9 + "1\n0\n"
    result = sandbox.run(env={**ALLOW, "DIND_NETWORK_IPTABLES": "nft"}, stub={"iptables.exit": exits})
    assert result.exit == 0 and result.rules()[:4] == ["-N DIND-API-2375", "-F DIND-API-2375", "-N DIND-API-2375-OUTSIDE", "-F DIND-API-2375-OUTSIDE"], result


@pytest.mark.parametrize("missing", ["iptables", "ip6tables"])
def test_an_image_without_iptables_cannot_keep_the_list(sandbox, missing):
    folders = "/usr/local/bin /usr/sbin /sbin /usr/bin /bin"
    result = sandbox.run(env=ALLOW, host=Host(legacy_iptables=False), setup=f"for folder in {folders}; do rm -f $folder/{missing}; done")
    assert result.exit == 78 and "install iptables and ip6tables" in result.failure(), result
    assert not result.starts("dockerd")


def test_names_are_resolved_at_the_start(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ALLOW": "runner"}, setup="echo '192.0.2.31 runner' >> /etc/hosts; echo '2001:db8::31 runner' >> /etc/hosts")
    assert "-A DIND-API-2375-OUTSIDE -s 192.0.2.31 -j RETURN" in result.rules()
    assert "-A DIND-API-2375-OUTSIDE -s 2001:db8::31 -j RETURN" in result.rules("ip6tables")


# A name server that knows no name (RFC 1035, RCODE 3).
KNOWS_NOBODY = """
python3 - <<'END' &
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
open("/out/bound", "w")
while True:
    asked, client = server.recvfrom(512)
    server.sendto(asked[:2] + bytes([0x81, 0x83]) + asked[4:6] + bytes(6) + asked[12:], client)
END
until [ -e /out/bound ]; do sleep 0.01; done
"$@"; status=$?; kill $!; exit $status"""


@pytest.mark.parametrize("activation", ["true", "false"])
@pytest.mark.parametrize("around, words, remedy", [
    (KNOWS_NOBODY, "Name or service not known", "start the container of that name first"),
    ('"$@"', "Temporary failure in name resolution", "look at the name servers in /etc/resolv.conf"),
], ids=["unknown", "dead name server"])
def test_a_name_that_does_not_resolve_is_told_before_the_engine_starts(sandbox, activation, around, words, remedy):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ALLOW": "nobody.invalid", "DIND_API_ACTIVATION": activation}, around=around,
                         setup="rm -f etc/resolv.conf; printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' > etc/resolv.conf; echo 'hosts: files dns' > etc/nsswitch.conf")
    assert result.exit == 78 and f"api.allow: nobody.invalid cannot be resolved here: {words}" in result.failure(), result
    assert remedy in result.failure() and not result.starts("dockerd") and not result.rules(), result


@pytest.mark.parametrize("activation", ["true", "false"])
def test_without_net_admin_an_allow_list_is_refused(sandbox, activation):
    result = sandbox.run(env={**ALLOW, "DIND_API_ACTIVATION": activation}, host=Host(drop=("NET_ADMIN",)))
    assert result.exit == 77 and "NET_ADMIN" in result.failure(), result
    assert not result.starts("dockerd") and not result.rules()


def test_without_a_list_there_are_no_rules(sandbox):
    assert not sandbox.run(env=NO_TLS).rules()


@pytest.mark.skipif(not shutil.which("ip6tables", path="/usr/sbin:/sbin:/usr/bin"), reason="this machine has no iptables")
def test_a_restart_in_the_same_network_namespace_finds_its_rules_and_the_bridges_of_before(sandbox):
    dump = "for each in iptables ip6tables; do $each -S; done > /out/"
    result = sandbox.run(env={**ALLOW, "DIND_INIT": "none"}, host=Host(without=("iptables", "ip6tables"), legacy_iptables=False),
                         around=f'"$@"; {dump}first; ip link add docker0 type bridge; iptables -I INPUT -p tcp -j ACCEPT; "$@"; {dump}second')
    first, second = result.out("first").splitlines(), result.out("second").splitlines()
    assert "-A INPUT -j DIND-API-2375" in first and "-A DIND-API-2375-OUTSIDE -s 2001:db8::7/128 -j RETURN" in first, result
    assert second.index("-A INPUT -j DIND-API-2375") < second.index("-A INPUT -p tcp -j ACCEPT"), "ours comes first"
    second.remove("-A INPUT -p tcp -j ACCEPT")
    assert first == second
