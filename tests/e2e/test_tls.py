"""The API over TLS: who gets in, and who does not."""

import http.client
import socket
import ssl

import pytest

import lab


@pytest.fixture(scope="module")
def certificates(dind, tmp_path_factory):
    return dind.copy_client_certificates(tmp_path_factory.mktemp("certs"))


def ping(dind, context):
    connection = http.client.HTTPSConnection(dind.address(), 2376, context=context, timeout=10)
    connection.request("GET", "/_ping")
    return connection.getresponse().read()


def strict_context(certificates):
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_the_docker_client_gets_in_with_the_generated_certificates(dind, certificates):
    done = lab.over_tls(dind.address(), certificates, "info", "-f", "{{.ServerVersion}} {{.Name}}")
    print(f"\nover TLS: engine {done.stdout.strip()}, ready {dind.ready_after:.1f} s after docker run")
    assert done.stdout.split()[1] == dind.name


def test_a_strict_verifier_accepts_the_certificates(dind, certificates):
    context = strict_context(certificates)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    assert ping(dind, context) == b"OK"


def test_a_client_without_certificate_is_refused(dind, certificates):
    with pytest.raises((ssl.SSLError, ConnectionError)) as refused:
        ping(dind, strict_context(certificates))
    assert "CERTIFICATE_REQUIRED" in str(refused.value).upper().replace(" ", "_") \
        or isinstance(refused.value, (ConnectionError, ssl.SSLEOFError)) \
        or "BAD_CERTIFICATE" in str(refused.value).upper().replace(" ", "_"), refused.value


def test_a_certificate_of_another_authority_is_refused(dind, certificates, tmp_path):
    lab.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=docker:dind client", "-addext", "extendedKeyUsage=clientAuth",
             "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"])
    context = strict_context(certificates)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ping(dind, context)


def test_plain_http_gets_no_api(dind):
    with socket.create_connection((dind.address(), 2376), timeout=10) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
        answer = plain.recv(4096)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\nOK" not in answer


def test_nothing_listens_on_the_plain_port(dind):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((dind.address(), 2375), timeout=10).close()


def test_openssl_and_gnutls_verify_the_chain(dind, certificates, tmp_path):
    lab.outer("cp", f"{dind.name}:/certs/server", tmp_path)
    for leaf, purpose in ((certificates / "cert.pem", "sslclient"), (tmp_path / "server" / "cert.pem", "sslserver")):
        lab.run(["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", certificates / "ca.pem", leaf])
        lab.run(["certtool", "--verify", "--load-ca-certificate", certificates / "ca.pem", "--infile", leaf])


def test_a_container_runs_inside_through_tls(dind, certificates, tmp_path):
    lab.over_tls(dind.address(), certificates, "import", lab.tiny_image(tmp_path), "tiny")
    done = lab.over_tls(dind.address(), certificates, "run", "--rm", "tiny", "/bin/busybox", "echo", "hello")
    assert done.stdout == "hello\n"
