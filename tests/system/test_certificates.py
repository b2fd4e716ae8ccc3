"""What a start tells about the certificates, and how names reach them. The store itself has tests of its own."""

import pytest

from sandbox import Host

TLS = {"DOCKER_TLS_CERTDIR": "/certs"}
NAMES = "openssl x509 -noout -ext subjectAltName -in /certs/server/cert.pem >/out/names"


def lines(result, step="certificates: "):
    return [line for line in result.stderr.splitlines() if f'msg="{step}' in line]


def test_the_final_names_are_one_line(sandbox):
    result = sandbox.run(env={**TLS, "DOCKER_TLS_SAN": "DNS: Other.Example, IP:192.0.2.7 bare.example,2001:DB8::1"}, look=NAMES)
    (line,) = lines(result)
    for name in ("DNS:other.example", "IP:192.0.2.7", "DNS:bare.example", "IP:2001:db8::1", "DNS:boxhost", "IP:127.0.0.1"):
        assert f" {name}" in line, result
    assert "DNS:other.example" in result.out("names")


@pytest.mark.parametrize("san, item", [("DNS:good,DNS:bad!", 2), ("bad name!", 2), ("IP:10.0.0.0/8", 1), ("a,b,,c_d.example,*x", 4)])
def test_a_bad_name_is_named_with_its_position(sandbox, san, item):
    result = sandbox.run(env={**TLS, "DOCKER_TLS_SAN": san})
    assert result.exit == 78, result
    assert f"(item {item})" in result.stderr
    assert "DOCKER_TLS_SAN" in result.stderr
    assert result.changes == {}
    assert not result.starts("dockerd")


def test_certificates_of_another_authority_are_told(sandbox):
    """Another daemon uses this folder: its clients fail from now on."""
    foreign = "mkdir -p certs/client; cd certs/client; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes " \
              "-days 9 -subj '/CN=docker:dind client' -keyout key.pem -out cert.pem 2>/dev/null; cp cert.pem ca.pem"
    result = sandbox.run(env=TLS, setup=foreign)
    assert result.exit == 0, result
    assert any("level=warning" in line and "another CA" in line for line in lines(result)), result


def test_rsa_keys_say_why_they_take_long(sandbox):
    result = sandbox.run(env={**TLS, "DIND_TLS_KEY": "rsa-2048"})
    assert any("RSA keys" in line for line in lines(result)), result


def test_a_second_start_makes_no_keys_and_says_nothing_of_it(sandbox):
    result = sandbox.run(env={**TLS, "DIND_TLS_KEY": "rsa-2048"}, around='"$@"; "$@" 2>/out/second')
    assert "RSA keys" not in result.out("second")
    assert "kept CA, server and client" in result.out("second")


def test_the_plan_says_what_would_be_done_and_not_that_it_was(sandbox):
    result = sandbox.run(["plan"], TLS, program="dindctl", host=Host(cgroup="v1"))
    assert "now: issue CA (missing), server (missing) and client (missing)" in result.stdout, result
