"""dindctl health against a real engine: beside it, and as another container sees it, over TLS with the client certificates."""

import json

import lab

DIND_OPTIONS = ("-v", "e2e-health-certs:/certs/client")


def client(dind, *words, name="docker", options=(), **keywords):
    """In another container of the image, which shares the client certificates alone."""
    return lab.outer("run", "--rm", "--add-host", f"{name}:{dind.address()}", "-v", "e2e-health-certs:/certs/client:ro", *options,
                     lab.IMAGE, "dindctl", "health", *words, check=False, **keywords)


def answer(done):
    return (done.returncode, *(json.loads(done.stdout)[key] for key in ("ready", "stage", "host")))


def test_beside_the_engine_its_own_socket_is_asked(dind):
    assert answer(dind.exec("dindctl", "health", "--json")) == (0, True, "ready", "unix:///var/run/docker.sock")


def test_another_container_asks_over_tls_with_the_certificates_it_finds(dind):
    assert answer(client(dind, "--host", "tcp://docker:2376", "--json")) == (0, True, "ready", "tcp://docker:2376")
    assert client(dind, "--host", "tcp://docker:2376", "--certs", "/certs/client", "--wait", "60s").stdout == "ready\n"
    assert client(dind, options=("-e", "DOCKER_HOST=tcp://docker")).stdout == "ready\n"


def test_an_unprivileged_user_may_ask(dind):
    assert client(dind, "--host", "tcp://docker:2376", options=("--user", "1234:1234")).stdout == "ready\n"


def test_a_name_that_the_certificate_lacks_is_refused(dind):
    done = client(dind, "--host", "tcp://elsewhere:2376", name="elsewhere")
    assert done.returncode == 1
    assert "TLS refused" in done.stderr and "wrong name" in done.stderr and "DNS:docker" in done.stderr


def test_the_engine_refuses_a_certificate_of_another_authority(dind):
    """dockerd is Go: it says so behind the handshake, and in its own words."""
    script = ("mkdir /x && cd /x && dindctl certs init other >/dev/null && cp other/client/cert.pem other/client/key.pem . "
              "&& cp /certs/client/ca.pem . && exec dindctl health --host tcp://docker:2376 --certs /x")
    done = lab.outer("run", "--rm", "--add-host", f"docker:{dind.address()}", "-v", "e2e-health-certs:/certs/client:ro", lab.IMAGE,
                     "sh", "-c", script, check=False)
    assert done.returncode == 1
    assert "TLS refused" in done.stderr and "client refused" in done.stderr, done.stderr


def test_without_certificates_the_engine_says_that_it_wants_tls(dind):
    done = client(dind, "--host", "tcp://docker:2376", options=("-e", "DOCKER_TLS_CERTDIR="))
    assert done.returncode == 1
    assert "engine answers an error" in done.stderr and "HTTPS" in done.stderr and "--certs" in done.stderr


def test_who_waits_sees_the_name_of_the_engine_come(dind):
    """The client is first: in its network nobody is called docker yet."""
    network, waiter = "e2e-health", "e2e-health-waiter"
    lab.outer("network", "create", "--subnet", "10.199.7.0/24", network)  # not that of the engine inside
    try:
        lab.outer("run", "-d", "--name", waiter, "--network", network, "-v", "e2e-health-certs:/certs/client:ro", lab.IMAGE,
                  "dindctl", "health", "--host", "tcp://docker:2376", "--wait", "60s")
        first = lab.outer("exec", waiter, "dindctl", "health", "--host", "tcp://docker:2376", "--json", check=False)
        assert answer(first)[2] == "name-unknown", first.stdout
        lab.outer("network", "connect", "--alias", "docker", network, dind.name)
        assert lab.outer("wait", waiter).stdout.strip() == "0"
        assert lab.outer("logs", waiter).stdout == "ready\n"
    finally:
        lab.outer("rm", "-f", waiter, check=False)
        lab.outer("network", "disconnect", "-f", network, dind.name, check=False)
        lab.outer("network", "rm", network, check=False)
