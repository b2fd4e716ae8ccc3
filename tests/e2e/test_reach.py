"""Who can reach the API: connections that come about, and those that do not."""

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


def test_handed_over_sockets_speak_mutual_tls(engine, tmp_path):
    dind = lab.Dind("e2e-reach-tls", {"DIND_API_ACTIVATION": "true", "DIND_API_TCP_INTERFACE": "eth0"})
    try:
        certificates = dind.copy_client_certificates(tmp_path)
        assert lab.over_tls(dind.address(), certificates, "info", "-f", "{{.Name}}").stdout == dind.name + "\n"
        with socket.create_connection((dind.address(), 2376), timeout=10) as plain:
            plain.sendall(PING)
            assert b"200 OK" not in plain.recv(4096)
        dind.load_tiny_image(tmp_path)
        inside = dind.docker("run", "--rm", "tiny", "/bin/busybox", "nc", "-w", "3", gateway(dind), "2376", check=False)
        assert inside.returncode != 0, "docker0 is another interface"
    finally:
        dind.remove()
