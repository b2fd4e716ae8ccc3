"""Certificates of every kind before verifiers that nobody here wrote: zlint, and the docker client."""

import http.server
import json
import os
import ssl
import threading

import pytest

import lab

VERIFIERS = lab.TOP / "build" / "lab" / "verifiers"
LAUNCHER = os.environ.get("LAUNCHER_DINDCTL", lab.TOP / "build" / "dev" / "dindctl")
ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096")

# zlint judges by the rules for CAs that browsers trust, too. These cannot hold for a private one.
PUBLIC_RULES = {
    "a CA names an organization and its country":
        {"e_ca_country_name_missing", "e_ca_organization_name_missing"},
    "names and addresses are those of the public Internet, and the common name is one of them":
        {"e_dnsname_bad_character_in_label", "e_dnsname_not_valid_tld", "e_ext_san_contains_reserved_ip",
         "e_subject_common_name_not_exactly_from_san"},
    "there is an OCSP responder, a place of the CA's certificate, and a policy":
        {"e_sub_cert_aia_does_not_contain_ocsp_url", "e_sub_cert_aia_missing", "e_sub_cert_cert_policy_empty",
         "e_sub_cert_certificate_policies_missing"},
    "certificates of preinstalled CAs live for 398 days":
        {"e_tls_server_cert_valid_time_longer_than_398_days"},
    "keys are RSA or ECDSA":
        {"e_algorithm_identifier_improper_encoding", "e_signature_algorithm_not_supported"},
}


def needs(name):
    if not (VERIFIERS / name).exists():
        pytest.skip(f"needs {name} in build/lab/verifiers (tests/lab/e2e verifiers)")
    return VERIFIERS / name


@pytest.fixture(scope="module", params=ALGORITHMS)
def store(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / "certs"
    lab.run([LAUNCHER, "certs", "init", path, "--set", f"tls.key={request.param}", "--set", 'tls.clients=[{"name": "ci"}]'])
    return path


@pytest.mark.parametrize("name", ["ca", "server", "client", "clients/ci"])
def test_zlint_finds_no_error(store, name):
    found = json.loads(lab.run([needs("zlint"), store / name / "cert.pem"]).stdout)
    results = {lint: verdict["result"] for lint, verdict in found.items()}
    assert list(results.values()).count("pass") > 20
    errors = {lint for lint, result in results.items() if result in ("error", "fatal")}
    assert errors - set().union(*PUBLIC_RULES.values()) == set()


def test_what_is_let_pass_are_rules_for_public_cas_alone():
    lints = lab.run([needs("zlint"), "-list-lints-json"]).stdout.splitlines()
    sources = {lint["name"]: lint["source"] for lint in map(json.loads, lints)}
    public = {"CABF_BR", "Mozilla", "Apple"}  # of those the rules for root programmes
    assert {name: sources[name] for rules in PUBLIC_RULES.values() for name in rules if sources[name] not in public} == {}


class Api(http.server.BaseHTTPRequestHandler):
    """As much of an engine as `docker version` asks for. It answers with the name of who asks."""

    def do_GET(self):
        self.server.served += 1
        subject = dict(pair for parts in self.connection.getpeercert()["subject"] for pair in parts)
        version = {"Version": subject["commonName"], "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}
        body = b"OK" if self.path == "/_ping" else json.dumps(version).encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "text/plain" if self.path == "/_ping" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def engine(store):
    """An HTTPS server with the engine's certificate that asks for one of this CA, as dockerd --tlsverify does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store / "server/cert.pem", store / "server/key.pem")
    context.load_verify_locations(store / "server/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.served = 0
    server.handle_error = lambda *_: None  # refused clients are what the tests are about
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def docker_version(engine, certificates, host="127.0.0.1"):
    return lab.run([needs("docker"), "--host", f"tcp://{host}:{engine.server_port}", "--tlsverify", "--tlscacert",
                    certificates / "ca.pem", "--tlscert", certificates / "cert.pem", "--tlskey", certificates / "key.pem",
                    "version", "--format", "{{.Server.Version}}"], check=False)


@pytest.mark.parametrize("client, name", [("client", "docker:dind client"), ("clients/ci", "ci")])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_docker_client_gets_in_and_is_known_by_its_name(store, engine, client, name, host):
    done = docker_version(engine, store / client, host)
    assert (done.returncode, done.stdout.strip()) == (0, name), done.stdout + done.stderr


def test_the_docker_client_of_another_store_stays_out(store, engine, tmp_path):
    lab.run([LAUNCHER, "certs", "init", tmp_path / "other"])
    done = docker_version(engine, tmp_path / "other/client")
    assert done.returncode != 0 and "certificate signed by unknown authority" in done.stderr
    # The other way round; how the client hears of it depends on who closes first.
    (tmp_path / "other/client/ca.pem").write_bytes((store / "client/ca.pem").read_bytes())
    served = engine.served
    done = docker_version(engine, tmp_path / "other/client")
    assert done.returncode != 0 and done.stdout.strip() == ""
    assert engine.served == served
