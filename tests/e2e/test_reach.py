"""Who can reach the API: connections that come about, and those that do not."""

import concurrent.futures
import os
import pathlib
import shlex
import socket
import threading

import pytest

import lab

CLIENTS = 100
PING = b"GET /_ping HTTP/1.1\r\nHost: dind\r\nConnection: close\r\n\r\n"

# The engine begins when we say so; the process stays the same.
LATE = """
real=$(command -v dockerd); mv "$real" "$real.real"
printf '#!/bin/sh\\ncase "$*" in *--version) ;; *) touch /tmp/waiting; until [ -e /tmp/engine ]; do sleep 0.05; done ;; esac\\nexec %s.real "$@"\\n' \
    "$real" > "$real"
chmod +x "$real"
"""


def gateway(dind, network="bridge"):
    return dind.docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", network).stdout.strip()


class Early(threading.Thread):
    """Clients that are there before the engine is."""

    def __init__(self, dind):
        super().__init__(daemon=True)
        self.dind, self.answers, self.at_work = dind, [], None

    def run(self):
        self.dind.exec("sh", "-c", "until [ -e /tmp/waiting ]; do sleep 0.05; done")
        clients = [socket.create_connection((self.dind.address(), 2375), timeout=60) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(PING)
        self.at_work = self.dind.exec("pidof", "dockerd.real", check=False).stdout
        self.dind.exec("touch", "/tmp/engine")
        for client in clients:
            answer = b""
            while part := client.recv(65536):
                answer += part
            self.answers.append(answer)


def test_a_hundred_clients_that_come_before_the_engine_are_all_answered(engine):
    threads = []

    def before(dind):
        dind.exec("sh", "-c", LATE)
        threads.append(Early(dind))
        threads[0].start()

    environment = {"DOCKER_TLS_CERTDIR": "", "DIND_API_ACTIVATION": "true"}
    dind = lab.Dind("e2e-reach-early", environment, before=before)
    try:
        threads[0].join(60)
        answers = threads[0].answers
        assert threads[0].at_work == "", "no engine ran when they connected"
        assert len(answers) == CLIENTS and all(a.startswith(b"HTTP/1.1 200 OK") and a.endswith(b"OK") for a in answers), answers
        assert "Binding to IP address without --tlsverify" not in dind.logs(10000)
        assert dind.exec("stat", "-c", "%a %u", "/var/run/docker.sock").stdout == "660 0\n"
        dind.docker("version")
        dind.outer("restart", dind.name)
        dind.wait_ready()
    finally:
        dind.remove()


@pytest.mark.parametrize("interface, by_docker0", [({}, True), ({"DIND_API_TCP_INTERFACE": "eth0"}, False)], ids=["any", "eth0"])
def test_handed_over_sockets_speak_mutual_tls(engine, tmp_path, interface, by_docker0):
    dind = lab.Dind("e2e-reach-tls", {"DIND_API_ACTIVATION": "true", **interface})
    try:
        certificates = dind.copy_client_certificates(tmp_path)
        assert lab.over_tls(dind.address(), certificates, "info", "-f", "{{.Name}}").stdout == dind.name + "\n"
        with socket.create_connection((dind.address(), 2376), timeout=10) as plain:
            plain.sendall(PING)
            assert b"200 OK" not in plain.recv(4096)
        dind.load_tiny_image(tmp_path)
        inside = dind.docker("run", "--rm", "tiny", "/bin/busybox", "nc", "-w", "3", gateway(dind), "2376", check=False)
        assert (inside.returncode == 0) == by_docker0, inside
    finally:
        dind.remove()


NETWORK = "e2e-reach"
OUTSIDE, INSIDE, INSIDE_GATEWAY = "fd4d:7b2c:91e0:1::/64", "fd4d:7b2c:91e0:2::/64", "fd4d:7b2c:91e0:2::1"
PLAIN = {"DOCKER_TLS_CERTDIR": "", "DIND_API_ALLOW": "friend"}


def free_network():
    """The first three numbers of a /24 beside the private engine's own."""
    own = lab.outer("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge").stdout.strip()
    return own.replace("10.213.", "10.214.").rpartition(".")[0]


class Reached:
    """
    An engine that lets the container "friend" in, on a network with "friend" and "stranger"; tried by one family. ADDRESS in a
    setting is the container's IPv4 address there.
    """

    def __init__(self, environment, folder, kind=lab.Dind, privileges=("--privileged",), ipv6=False):
        free = free_network()
        address = f"{free}.100"
        lab.outer("network", "create", "--subnet", f"{free}.0/24", *(("--ipv6", "--subnet", OUTSIDE) if ipv6 else ()), NETWORK)
        for name in ("friend", "stranger"):
            lab.outer("run", "-d", "--name", name, "--network", NETWORK, "--entrypoint", "sleep", lab.IMAGE, "infinity")
        settings = {key: value.replace("ADDRESS", address) for key, value in {**PLAIN, **environment}.items()}
        self.dind = kind("e2e-reach-allow", settings, options=("--network", NETWORK, "--ip", address), privileges=privileges)
        self.ipv6 = ipv6
        self.address = lab.inspect(self.dind.name, f'(index .NetworkSettings.Networks "{NETWORK}").GlobalIPv6Address') if ipv6 else address
        self.dind.load_tiny_image(folder)
        self.dind.docker("network", "create", *(("--ipv6", "--subnet", INSIDE, "--gateway", INSIDE_GATEWAY) if ipv6 else ()), "later")

    def from_container(self, name, address=None, user="0"):
        ask = f"exec 3<>/dev/tcp/{address or self.address}/2375; printf 'GET /_ping HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
        return lab.outer("exec", "--user", user, name, "timeout", "5", "bash", "-c", ask, check=False).stdout.endswith("OK")

    def from_nested(self, network, address):
        host = f"[{address}]" if ":" in address else address
        done = self.dind.docker("run", "--rm", "--network", network, "tiny", "/bin/busybox", "wget", "-T", "4", "-q", "-O", "-",
                                f"http://{host}:2375/_ping", check=False)
        return done.stdout == "OK"

    def gateways(self):
        """Ways from nested containers to the API that do not leave the engine's network."""
        return [("later", INSIDE_GATEWAY)] if self.ipv6 else [(name, gateway(self.dind, name)) for name in ("bridge", "later")]

    def outer_addresses(self):
        """Ways by this container's address outside."""
        return [(network, self.address) for network, _ in self.gateways()]

    def answers(self, ways):
        """What each way comes to. All at once: what is dropped takes its time."""
        with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
            return dict(zip(ways, pool.map(lambda way: self.from_nested(*way), ways)))

    def nested(self):
        return self.answers(self.gateways() + self.outer_addresses())

    def lets_in(self, nested):
        """friend, and not stranger; and every way of nested containers, or none."""
        assert self.from_container("friend") and not self.from_container("stranger")
        ways = self.nested()
        assert set(ways.values()) == {nested}, ways

    def remove(self):
        for name in ("e2e-reach-allow", "friend", "stranger"):
            lab.outer("rm", "-f", "-v", name, check=False)
        lab.outer("network", "rm", NETWORK, check=False)


class ReachedRootless(Reached):
    """The same with a rootless engine, which has an address of its own in rootlesskit's network besides."""

    def __init__(self, environment, folder, privileges=("--privileged", "--user", "0", "-e", "DIND_MODE=rootless"), **options):
        super().__init__(environment, folder, lab.Rootless, privileges, **options)

    def gateways(self):
        return [*super().gateways(), *(() if self.ipv6 else (("bridge", "10.0.2.100"),))]


def test_only_who_is_allowed_gets_in_and_nested_containers_do_not(engine, tmp_path):
    reached = Reached({}, tmp_path)
    try:
        reached.lets_in(nested=False)
        assert reached.from_nested("host", "127.0.0.1"), "it is in this container's own network"
        reached.dind.outer("restart", reached.dind.name)
        reached.dind.wait_ready()
        assert reached.from_container("friend") and not reached.from_container("stranger")
    finally:
        reached.remove()


def test_a_rootless_engine_lets_in_who_is_allowed_and_no_nested_container(engine, tmp_path):
    reached = ReachedRootless({}, tmp_path)
    try:
        reached.lets_in(nested=False)
        assert reached.from_nested("host", "127.0.0.1"), "it is in the engine's own network"
        for user in ("0", "1000"):
            assert reached.from_container(reached.dind.name, "127.0.0.1", user), "others of a pod come by the loopback interface"
    finally:
        reached.remove()


def test_the_list_holds_for_a_rootless_engine_that_root_with_three_capabilities_starts(engine, tmp_path):
    level = lab.levels()["rootless, root with two capabilities"]
    words = shlex.split(level["docker_run"].replace("seccomp=", f"seccomp={lab.TOP}/examples/seccomp/"))
    reached = ReachedRootless({}, tmp_path, (*words, "--cap-add", "NET_ADMIN"))
    try:
        reached.lets_in(nested=False)
        ours = os.readlink("/proc/self/ns/user")
        outside = [status for pid, status in reached.dind.processes() if os.readlink(f"/proc/{pid}/ns/user") == ours]
        assert outside and {status["CapPrm"] for status in outside} == {"0" * 16}, "NET_ADMIN is gone with the rest"
    finally:
        reached.remove()


@pytest.mark.parametrize("kind", [Reached, ReachedRootless], ids=["rootful", "rootless"])
def test_nested_containers_get_in_where_that_is_allowed(engine, tmp_path, kind):
    reached = kind({"DIND_API_ALLOW_NESTED": "true"}, tmp_path)
    try:
        reached.lets_in(nested=True)
    finally:
        reached.remove()


@pytest.mark.parametrize("setting, neighbour, by_gateway, by_address, here", [
    ({}, True, True, True, True),
    ({"DIND_API_TCP_ADDRESS": "127.0.0.1 ADDRESS"}, True, False, True, True),
    ({"DIND_API_TCP_ADDRESS": "127.0.0.1"}, False, False, False, True),
    ({"DIND_API_TCP_ENABLED": "false"}, False, False, False, False),
], ids=["everywhere", "addresses", "loopback", "unix"])
@pytest.mark.parametrize("kind", [Reached, ReachedRootless], ids=["rootful", "rootless"])
def test_without_a_list_it_is_reached_where_it_listens(engine, tmp_path, kind, setting, neighbour, by_gateway, by_address, here):
    reached = kind({"DIND_API_ALLOW": "", **setting}, tmp_path)
    try:
        assert reached.from_container("stranger") == neighbour
        assert set(reached.answers(reached.gateways()).values()) == {by_gateway}
        assert set(reached.answers(reached.outer_addresses()).values()) == {by_address}
        assert reached.from_container(reached.dind.name, "127.0.0.1") == here
        assert reached.dind.docker("version").returncode == 0, "by the Unix socket"
    finally:
        reached.remove()


@pytest.mark.skipif(not pathlib.Path("/proc/net/if_inet6").exists(), reason="needs IPv6 in this kernel")
@pytest.mark.parametrize("environment, stranger, nested", [
    ({}, False, False),
    ({"DIND_API_ALLOW_NESTED": "true"}, False, True),
    ({"DIND_API_ALLOW": ""}, True, True),
], ids=["allow", "nested-too", "no-list"])
@pytest.mark.parametrize("kind", [Reached, ReachedRootless], ids=["rootful", "rootless"])
def test_the_list_holds_for_ipv6_too(engine, tmp_path, kind, environment, stranger, nested):
    """friend is in the list by its name alone, which stands for addresses of both families."""
    # A rootless engine's containers get out by IPv6 with their addresses translated, which was experimental before 27.
    translated = {"DIND_ROOTLESS_IPV6": "true", "DIND_DAEMON": '{"ip6tables": true, "experimental": true}'} if kind is ReachedRootless else {}
    reached = kind({"DIND_API_TCP_ADDRESS": "::", **translated, **environment}, tmp_path, ipv6=True)
    try:
        assert reached.from_container("friend")
        assert reached.from_container("stranger") == stranger
        ways = reached.nested()
        assert len(ways) == 2 and set(ways.values()) == {nested}, ways
    finally:
        reached.remove()
