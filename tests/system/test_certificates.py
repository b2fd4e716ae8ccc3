"""What a start tells about the certificates, and how names reach them. The store itself has tests of its own."""

import pytest

from sandbox import ROOTLESS, Host

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


# ---- clients by name, and the rest of tls.* ----

FILES = "cd / && find certs srv/bob -type f -printf '%U:%G %m %p\\n' 2>/dev/null | sort >/out/files"
CLIENTS = """
tls:
  clients:
    - {name: ci, owner: daemon, group: "33", mode: "0640"}
    - {name: bob, dir: /srv/bob, owner: 4321}
    - {name: client, mode: "0600"}
"""


def test_clients_of_the_configuration_get_their_folders_owners_and_modes(sandbox):
    result = sandbox.run(env=TLS, host=Host(config=CLIENTS), look=FILES + "; openssl x509 -noout -subject -in /srv/bob/cert.pem >/out/bob")
    assert result.exit == 0, result
    assert "issued CA (missing), server (missing), client (missing), ci (missing) and bob (missing)" in lines(result)[0]
    files = result.out("files").splitlines()
    for line in ("1:33 640 certs/clients/ci/key.pem", "1:33 644 certs/clients/ci/cert.pem", "4321:0 600 srv/bob/key.pem",
                 "0:0 600 certs/client/key.pem", "0:0 644 certs/client/cert.pem", "0:0 600 certs/server/key.pem"):
        assert line in files, result
    assert "CN = bob" in result.out("bob")


@pytest.mark.parametrize("entry, says, hint", [
    ('{name: ci, owner: nobody-here}', "ci: owner nobody-here is not in /etc/passwd", "use a number"),
    ('{name: ci, group: nothing-here}', "ci: group nothing-here is not in /etc/group", "use a number"),
    ('{name: ci, owner: 4294967295}', "ci: owner 4294967295 is out of range", "from 0 to 4294967294"),
])
def test_an_unknown_account_is_an_error_before_anything_is_changed(sandbox, entry, says, hint):
    result = sandbox.run(env=TLS, host=Host(config=f"tls: {{clients: [{entry}]}}"))
    assert result.exit == 78, result
    assert f"error: tls.clients (/etc/dind/config.yaml:1:16): {says}" in result.stderr, result
    assert hint in result.stderr
    assert result.changes == {}
    assert not result.starts("dockerd")


def test_a_rootless_engine_gives_no_files_away(sandbox):
    result = sandbox.run(env={**TLS, "DIND_TLS_CLIENTS": '[{"name": "ci", "owner": "0"}]'}, **ROOTLESS)
    assert result.exit == 78, result
    assert "ci: owner 0 is not who starts this, and only root can give files away" in result.stderr
    assert result.changes == {}


def test_the_ca_key_does_not_stay_where_it_is_not_wanted(sandbox):
    again = '"$@"; ls /certs/ca >/out/ca; "$@" 2>/out/second'
    result = sandbox.run(env={**TLS, "DIND_TLS_CA_KEEP_KEY": "false"}, around=again)
    assert "removed the CA's key" in lines(result)[0], result
    assert result.out("ca").split() == ["cert.pem"]
    assert "there is no CA key" in result.out("second")


def test_settings_of_the_life_of_certificates_reach_them(sandbox):
    dates = "for f in ca server; do openssl x509 -noout -checkend 2592000 -in /certs/$f/cert.pem; echo $?; " \
            "openssl x509 -noout -checkend 3456000 -in /certs/$f/cert.pem; echo $?; done >/out/dates"
    result = sandbox.run(env={**TLS, "DIND_TLS_CA_DAYS": "36", "DIND_TLS_RENEW_BEFORE": "5"}, look=dates)
    assert [line for line in result.out("dates").splitlines() if line.isdigit()] == ["0", "1", "0", "1"], result


def test_a_pod_is_known_by_its_address_and_name(sandbox):
    env = {**TLS, "POD_IP": "2001:DB8::7", "POD_NAME": "dind-0"}
    (line,) = lines(sandbox.run(env=env))
    assert " IP:2001:db8::7" in line and " DNS:dind-0" in line


@pytest.mark.parametrize("env", [{"POD_IP": "", "POD_NAME": ""}, {"POD_IP": "not-an-address", "POD_NAME": "bad!name"},
                                 {"POD_IP": "192.0.2.7,192.0.2.8", "POD_NAME": "one two"}])
def test_what_is_no_address_or_name_of_a_pod_is_left_out(sandbox, env):
    result = sandbox.run(env={**TLS, **env})
    assert result.exit == 0, result
    (line,) = lines(result)
    for word in ("not-an-address", "bad", "192.0.2.", "one", "two"):
        assert word not in line.partition(" for ")[2], line


def test_a_client_on_a_mount_of_ours_is_not_looked_for_before_it(sandbox):
    config = "tls: {clients: [{name: ci, dir: /extra/ci}]}\nmounts: {extra: [{target: /extra, type: tmpfs}]}\n"
    result = sandbox.run(env=TLS, host=Host(config=config), setup="mkdir extra", look="ls /extra/ci >/out/ci")
    assert result.out("ci").split() == ["ca.pem", "cert.pem", "key.pem"], result
