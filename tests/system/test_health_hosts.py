"""dindctl health as other containers use it: an engine at an address, over TCP and TLS, with every way to answer badly."""

import collections
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from certs import Store, make_ca, make_leaf, openssl, without_tool
from fake_engine import FOR_EVER, OK, FakeEngine, server_tls

pytestmark = without_tool


def health(*words, env=None, timeout=30):
    done = subprocess.run(["dindctl", "health", *map(str, words)], executable=os.environ["DIND_BINARY"], capture_output=True,
                          text=True, timeout=timeout, check=False, env={"PATH": os.environ["PATH"], **(env or {})})
    return done.returncode, done.stdout, done.stderr


def stage(*words, **how):
    """What a machine reads: (ready, stage, detail)."""
    status, said, error = health(*words, "--json", **how)
    assert error == "" and len(said.splitlines()) == 1, (said, error)
    answer = json.loads(said)
    assert set(answer) == {"ready", "stage", "host", "phase", "step", "detail", "hint"}
    assert status == (0 if answer["ready"] else 1)
    return answer["ready"], answer["stage"], answer["detail"]


def check(asked, name, *parts):
    ready, found, detail = asked
    assert (ready, found) == (False, name), detail
    for part in parts:
        assert part in detail
    assert "\x1b" not in detail and "\n" not in detail


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """good: for docker, localhost and 127.0.0.1; other: the same of another CA; old: its leaves have ended."""
    top = tmp_path_factory.mktemp("stores")
    found = {name: Store(top / name) for name in ("good", "other", "old")}
    for store in found.values():
        store.ensure(names=("docker", "localhost", "127.0.0.1", "::1"))
    for folder, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        make_leaf(found["old"] / folder, found["old"] / "ca", usage=usage, days=-1, names="IP:127.0.0.1")
    return found


def tls_engine(stores, answer=(OK,), server="good", clients="good", **how):
    return FakeEngine(answer, tls=server_tls(stores[server] / "server", stores[clients] / "ca/cert.pem"), **how)


@pytest.fixture(params=["unix", "tcp", "tls"])
def door(request, stores, tmp_path):
    """Each way to an engine: door(answer) starts one, and gives it with the words that ask it."""
    def open_door(*answer, **how):
        if request.param == "unix":
            engine = FakeEngine(answer, path=str(tmp_path / "engine.sock"), **how)
        else:
            engine = tls_engine(stores, answer, **how) if request.param == "tls" else FakeEngine(answer, **how)
        certs = ["--certs", stores["good"] / "client"] if request.param == "tls" else []
        return engine, ["--host", engine.host, *certs]
    return open_door


# ---- answers, whatever the way ----


def test_an_engine_that_answers_is_ready(door):
    engine, words = door(OK)
    with engine:
        assert health(*words) == (0, "ready\n", "")
        assert stage(*words) == (True, "ready", None)
    assert engine.requests[0].split("\r\n")[:2] == ["GET /_ping HTTP/1.0", "Host: docker"]


@pytest.mark.parametrize("answer", [
    [bytes([byte]) for byte in OK],
    [b"HTTP/1.0 200 OK\r\n\r\nOK"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", FOR_EVER],
    [b"HTTP/1.1 200\r\nServer: x\r\n\r\nO", 0.05, b"K\n"],
], ids=["byte-by-byte", "no-length", "stays-connected", "in-pieces"])
def test_an_answer_counts_however_it_comes(door, answer):
    engine, words = door(*answer)
    with engine:
        assert health(*words)[0] == 0


@pytest.mark.parametrize("answer, parts", [
    ([b"HTTP/1.1 500 Internal Server Error\r\n\r\n{\"message\":\"no\"}\n"], ["status 500: {\"message\":\"no\"}"]),
    ([b"HTTP/1.1 503 Service Unavailable\r\n\r\n"], ["status 503"]),
    ([b"HTTP/1.1 200 OK\r\n\r\n<html>\x1b[31m welcome"], ["status 200: <html>?[31m welcome"]),
    ([b"HTTP/1.1 204 No Content\r\n\r\n"], ["status 204"]),
    ([b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n"], ["status 101"]),
    ([b"SSH-2.0-OpenSSH_9\r\n", FOR_EVER], ["no HTTP: SSH-2.0-OpenSSH_9"]),
    ([b"\x1b[31m\x07red\r\n", FOR_EVER], ["no HTTP: ?[31m?red"]),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n"], ["no HTTP"]),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOK"], ["no HTTP"]),
    ([b"HTTP/1.1 200 OK\r\n", *[b"A: " + b"b" * 1000 + b"\r\n"] * 100, FOR_EVER], ["without end"]),
    ([b"HTTP/1.1 200 OK\r\n\r\n", *[b"O" * 65536] * 17, FOR_EVER], ["without end"]),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", FOR_EVER], ["without end"]),
], ids=["500", "503", "another-200", "204", "101", "ssh", "terminal-codes", "chunked", "two-lengths", "endless-header", "endless-body",
        "long-body"])
def test_another_answer_is_an_error_of_the_engine(door, answer, parts):
    engine, words = door(*answer)
    with engine:
        check(stage(*words), "engine-error", engine.host, *parts)


@pytest.mark.parametrize("answer, part", [
    ([], "ended without an answer"),
    (["reset"], "ended without an answer"),
    ([b"HTTP/1.1 200 OK\r\nContent-"], "ended in the middle of the answer"),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nO"], "ended in the middle of the answer"),
    ([FOR_EVER], "no answer came in time"),
    ([b"HTTP/1.1 200 OK\r\n", FOR_EVER], "the answer is not whole in time"),
    ([part for _ in range(200) for part in (b"H: x\r\n" if _ else b"HTTP/1.1 200 OK\r\n", 0.02)], "the answer is not whole in time"),
], ids=["closes", "resets", "cut-in-the-header", "cut-in-the-body", "says-nothing", "stops-talking", "slow-drip"])
def test_no_answer_in_time_or_at_all_is_told(door, answer, part):
    engine, words = door(*answer)
    with engine:
        check(stage(*words, "--timeout", "1s"), "engine-not-answering", engine.host, part)


@pytest.mark.parametrize("answer, part", [([], "the connection ended"), ([FOR_EVER], "came in")], ids=["hangs-up", "is-silent"])
def test_who_hangs_up_or_says_nothing_before_the_handshake_does_not_answer(door, answer, part):
    engine, words = door(*answer, early=True)
    with engine:
        check(stage(*words, "--timeout", "1s"), "engine-not-answering", engine.host, part)


# ---- no way there ----


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_port_that_nobody_listens_on_is_told():
    check(stage("--host", f"tcp://127.0.0.1:{closed_port()}"), "engine-not-listening", "Connection refused")


def test_a_name_that_is_not_known_is_told():
    check(stage("--host", "tcp://no-such-engine.invalid:2376", "--timeout", "3s"), "name-unknown", "no-such-engine.invalid")


def test_a_name_is_looked_up():
    with FakeEngine([OK]) as engine:
        assert health("--host", f"tcp://localhost:{engine.port}")[0] == 0


def test_an_ipv6_address_is_asked():
    try:
        engine = FakeEngine([OK], host="::1")
    except OSError:
        pytest.skip("needs IPv6 on the loopback interface")
    with engine:
        assert health("--host", engine.host)[0] == 0


# ---- TLS: we refuse ----


def test_a_server_of_another_ca_is_refused(stores):
    with tls_engine(stores, server="other") as engine:
        check(stage("--host", engine.host, "--certs", stores["good"] / "client"), "tls-refused", "wrong CA", "client/ca.pem")
    assert engine.requests == []


def test_a_server_with_another_name_is_refused_and_its_names_are_told(stores):
    with tls_engine(stores, host="127.0.0.2") as engine:
        check(stage("--host", engine.host, "--certs", stores["good"] / "client"), "tls-refused",
              "wrong name", "not for 127.0.0.2, but for", "DNS:docker", "IP:127.0.0.1")
    assert engine.requests == []


def test_a_common_name_is_no_name(stores, tmp_path):
    make_leaf(tmp_path / "server", stores["good"] / "ca", subject="/CN=localhost", names="")
    tls = server_tls(tmp_path / "server", stores["good"] / "ca/cert.pem")
    with FakeEngine([OK], tls=tls) as engine:
        check(stage("--host", f"tcp://localhost:{engine.port}", "--certs", stores["good"] / "client"), "tls-refused", "no name at all")


def test_a_server_whose_certificate_has_expired_is_refused_with_the_date(stores):
    ended = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(end_of(stores["old"] / "server/cert.pem"))))
    with tls_engine(stores, server="old", clients="old") as engine:
        check(stage("--host", engine.host, "--certs", stores["old"] / "client"), "tls-refused", f"expired: the server's certificate, "
              f"or its CA's, ended on {ended}")


def end_of(path):
    done = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", path], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("notAfter=")


def test_a_certificate_for_clients_does_not_make_a_server(stores, tmp_path):
    make_leaf(tmp_path / "server", stores["good"] / "ca", usage="clientAuth", names="IP:127.0.0.1")
    with FakeEngine([OK], tls=server_tls(tmp_path / "server", stores["good"] / "ca/cert.pem")) as engine:
        check(stage("--host", engine.host, "--certs", stores["good"] / "client"), "tls-refused", "wrong purpose")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_has_only_old_tls_is_refused(stores):
    tls = server_tls(stores["good"] / "server", stores["good"] / "ca/cert.pem")
    tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with FakeEngine([OK], tls=tls) as engine:
        check(stage("--host", engine.host, "--certs", stores["good"] / "client"), "tls-refused", "1.2 or newer")


def test_a_server_without_tls_is_told(stores):
    with FakeEngine([b"HTTP/1.0 400 Bad Request\r\n\r\n"], early=True) as engine:
        check(stage("--host", engine.host, "--certs", stores["good"] / "client"), "tls-refused", "no TLS is spoken there")


def test_the_name_is_sent_to_the_server(stores):
    seen = []
    tls = server_tls(stores["good"] / "server", stores["good"] / "ca/cert.pem")
    tls.sni_callback = lambda connection, name, context: seen.append(name)
    with FakeEngine([OK], tls=tls) as engine:
        for host in (f"tcp://localhost:{engine.port}", engine.host):
            assert health("--host", host, "--certs", stores["good"] / "client")[0] == 0
    assert seen == ["localhost", None]


def test_configuration_of_openssl_is_left_aside(stores, tmp_path):
    (tmp_path / "openssl.cnf").write_text("openssl_conf = broken\n[broken]\nssl_conf = missing\n")
    with tls_engine(stores) as engine:
        assert health("--host", engine.host, "--certs", stores["good"] / "client",
                      env={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")})[0] == 0


# ---- TLS: the server refuses ----


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request):
    return request.param


def mixed(stores, tmp_path, client):
    """A client folder that trusts the good CA and shows the certificate of another store."""
    shutil.copy(stores["good"] / "ca/cert.pem", tmp_path / "ca.pem")
    for name in ("cert.pem", "key.pem"):
        shutil.copy(client / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("client, words", [("other", "does not know the CA of our certificate"), ("old", "expired")])
def test_a_client_that_the_server_refuses_is_told_why(stores, tmp_path, version, client, words):
    tls = server_tls(stores["good"] / "server", stores["old" if client == "old" else "good"] / "ca/cert.pem")
    tls.maximum_version = version
    with FakeEngine([OK], tls=tls) as engine:
        folder = mixed(stores, tmp_path, stores[client] / "client")
        check(stage("--host", engine.host, "--certs", folder), "tls-refused", "client refused", words)
    assert engine.requests == []


def test_both_versions_that_are_allowed_work(stores, version):
    tls = server_tls(stores["good"] / "server", stores["good"] / "ca/cert.pem")
    tls.maximum_version = version
    with FakeEngine([OK], tls=tls) as engine:
        assert health("--host", engine.host, "--certs", stores["good"] / "client")[0] == 0


# ---- our own certificates ----


def folder_with(tmp_path, stores, change):
    folder = tmp_path / "client"
    shutil.copytree(stores["good"] / "client", folder)
    change(folder)
    return folder


def make_fifo(folder):
    (folder / "key.pem").unlink()
    os.mkfifo(folder / "key.pem")


@pytest.mark.parametrize("change, parts", [
    (lambda folder: shutil.rmtree(folder), ["ca.pem: No such file or directory"]),
    (lambda folder: (folder / "key.pem").unlink(), ["key.pem: No such file or directory"]),
    (lambda folder: (folder / "cert.pem").write_text(""), ["cert.pem: is not a PEM certificate"]),
    (lambda folder: (folder / "ca.pem").write_text("x"), ["ca.pem: is not a PEM certificate"]),
    (lambda folder: shutil.copy(folder / "cert.pem", folder / "key.pem"), ["key.pem: "]),
    (make_fifo, ["key.pem: "]),
], ids=["no-folder", "no-key", "empty", "no-pem", "no-key-in-it", "fifo"])
def test_certificates_that_cannot_be_used_are_named(stores, tmp_path, change, parts):
    with tls_engine(stores) as engine:
        check(stage("--host", engine.host, "--certs", folder_with(tmp_path, stores, change)), "certificates", *parts)


def test_a_key_that_is_another_ones_is_named(stores, tmp_path):
    folder = folder_with(tmp_path, stores, lambda folder: shutil.copy(stores["other"] / "client/key.pem", folder / "key.pem"))
    with tls_engine(stores) as engine:
        check(stage("--host", engine.host, "--certs", folder), "certificates", "key.pem: is not the key of cert.pem")


def test_an_encrypted_key_is_refused_and_no_passphrase_is_asked_for(stores, tmp_path):
    def encrypt(folder):
        subprocess.run(["openssl", "pkey", "-in", folder / "key.pem", "-aes128", "-passout", "pass:x", "-out", folder / "new"],
                       check=True)
        (folder / "new").rename(folder / "key.pem")
    with tls_engine(stores) as engine:
        check(stage("--host", engine.host, "--certs", folder_with(tmp_path, stores, encrypt)), "certificates", "key.pem: is encrypted")


def test_a_secret_of_kubernetes_is_read_through_its_links(stores, tmp_path):
    folder = folder_with(tmp_path, stores, lambda folder: [
        ((folder / name).rename(tmp_path / name), (folder / name).symlink_to(tmp_path / name))
        for name in ("ca.pem", "cert.pem", "key.pem")])
    with tls_engine(stores) as engine:
        assert health("--host", engine.host, "--certs", folder)[0] == 0


def make_middle(folder, ca):
    """A CA that another one issued."""
    folder.mkdir()
    request = openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-subj", "/CN=middle")
    (folder / "extensions").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    openssl("x509", "-req", "-CA", ca / "cert.pem", "-CAkey", ca / "key.pem", "-set_serial", 7, "-days", 9,
            "-out", folder / "cert.pem", "-extfile", folder / "extensions", input=request)


def test_intermediate_certificates_of_the_client_are_sent(stores, tmp_path):
    make_ca(tmp_path / "root")
    make_middle(tmp_path / "middle", tmp_path / "root")
    folder = tmp_path / "client"
    make_leaf(folder, tmp_path / "middle", usage="clientAuth", names="")
    shutil.copy(stores["good"] / "ca/cert.pem", folder / "ca.pem")
    with (folder / "cert.pem").open("a") as file:
        file.write((tmp_path / "middle/cert.pem").read_text())
    with FakeEngine([OK], tls=server_tls(stores["good"] / "server", tmp_path / "root/cert.pem")) as engine:
        assert health("--host", engine.host, "--certs", folder)[0] == 0


def test_an_intermediate_ca_may_be_all_that_is_trusted(stores, tmp_path):
    """As Go has it, and so docker's client: what is in ca.pem is trusted, whoever issued it."""
    make_ca(tmp_path / "root")
    make_middle(tmp_path / "middle", tmp_path / "root")
    make_leaf(tmp_path / "server", tmp_path / "middle", names="IP:127.0.0.1")
    folder = folder_with(tmp_path, stores, lambda folder: shutil.copy(tmp_path / "middle/cert.pem", folder / "ca.pem"))
    with FakeEngine([OK], tls=server_tls(tmp_path / "server", stores["good"] / "ca/cert.pem")) as engine:
        assert health("--host", engine.host, "--certs", folder)[0] == 0


# ---- who is asked, and with what ----


def test_docker_host_and_its_companions_are_respected(stores):
    env = {"DOCKER_CERT_PATH": str(stores["good"] / "client"), "DOCKER_TLS_VERIFY": "1"}
    with tls_engine(stores) as engine, FakeEngine([OK]) as plain:
        assert health(env={**env, "DOCKER_HOST": engine.host})[0] == 0
        assert health("--host", plain.host, env={"DOCKER_HOST": engine.host})[0] == 0
        assert health("--host", engine.host, env={"DOCKER_TLS_CERTDIR": str(stores["good"].path)})[0] == 0
        check(stage("--host", plain.host, env=env), "tls-refused" if plain.requests == [] else "engine-not-answering")


def test_certs_beats_the_environment(stores):
    with tls_engine(stores) as engine:
        assert health("--host", engine.host, "--certs", stores["good"] / "client",
                      env={"DOCKER_CERT_PATH": str(stores["other"] / "client")})[0] == 0


def test_tls_that_was_asked_for_is_not_left_out(tmp_path):
    """Without certificates, and with DOCKER_TLS_VERIFY: not a byte goes out in the clear."""
    with FakeEngine([OK]) as engine:
        env = {"DOCKER_TLS_VERIFY": "1", "DOCKER_TLS_CERTDIR": str(tmp_path)}
        check(stage("--host", engine.host, env=env), "certificates", f"{tmp_path}/client/ca.pem")
        check(stage("--host", engine.host, env={**env, "DOCKER_TLS_CERTDIR": ""}), "certificates", "/certs/client/ca.pem")
    assert "".join(engine.requests) == ""


def test_an_empty_certificate_variable_means_no_tls():
    with FakeEngine([OK]) as engine:
        assert health("--host", engine.host, env={"DOCKER_TLS_CERTDIR": "", "DOCKER_CERT_PATH": ""})[0] == 0


def test_a_tls_server_that_is_asked_without_tls_gives_a_hint(stores):
    refusal = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    with FakeEngine([refusal]) as engine:
        status, said, error = health("--host", engine.host, env={"DOCKER_TLS_CERTDIR": ""})
    assert (status, said) == (1, "")
    assert error.splitlines() == [
        f"error: not ready: engine answers an error: {engine.host}: status 400: Client sent an HTTP request to an HTTPS server.",
        "  hint: if the engine wants TLS, name its client certificates: --certs DIR"]


# ---- the command line ----


@pytest.mark.parametrize("words", [
    ["--host", ""], ["--host", "docker:2376"], ["--host", "http://docker"], ["--host", "unix://relative"], ["--host", "tcp://"],
    ["--host", "unix:///" + "x" * 120], ["--wait", "0"], ["--wait", "x"], ["--wait", "1d"], ["--wait", "-1"], ["--wait", "25h"],
    ["--wait", "60s2"], ["--wait", "99999999999999999999"], ["--wait", ""], ["--timeout", "0s"], ["--timeout"], ["--now"], ["x"],
], ids=" ".join)
def test_wrong_usage_is_told_as_such(words):
    status, said, error = health(*words)
    assert (status, said) == (64, "")
    assert error.startswith("error: ")


def test_a_docker_host_that_cannot_be_asked_is_wrong_usage():
    status, _, error = health(env={"DOCKER_HOST": "ssh://root@docker"})
    assert status == 64
    assert error.startswith("error: DOCKER_HOST: ssh://xxxxx:xxxxx@docker: "), "it may be a token"


# ---- waiting ----


@contextlib.contextmanager
def later(action, seconds=0.15):
    """What happens while dindctl waits."""
    timer = threading.Timer(seconds, action)
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.mark.parametrize("wait", ["60", "60s", "1m"])
def test_an_engine_that_comes_is_waited_for(stores, tmp_path, wait):
    path, engines = str(tmp_path / "new/folder/engine.sock"), []

    def come():
        os.makedirs(os.path.dirname(path))
        engines.append(FakeEngine([OK], path=path))
    with later(come):
        assert health("--host", f"unix://{path}", "--wait", wait) == (0, "ready\n", "")
    engines[0].__exit__()


def test_a_port_that_opens_is_waited_for():
    with socket.socket() as server:  # bound, and nobody listens yet
        server.bind(("127.0.0.1", 0))

        def serve():
            server.listen()
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(OK)
        with later(serve):
            assert health("--host", f"tcp://127.0.0.1:{server.getsockname()[1]}", "--wait", "60s")[0] == 0


def test_certificates_that_come_are_waited_for(stores, tmp_path):
    """Two containers share the folder, and the client was first."""
    with tls_engine(stores) as engine, later(lambda: shutil.copytree(stores["good"] / "client", tmp_path / "client")):
        assert health("--host", engine.host, "--certs", tmp_path / "client", "--wait", "60s")[0] == 0


def test_an_engine_that_is_not_ready_yet_is_asked_again(tmp_path):
    answers = [b"HTTP/1.1 503 Service Unavailable\r\n\r\n"] * 3 + [OK]

    class Starting(FakeEngine):
        def _play(self, connection):
            connection.sendall(answers.pop(0))
    with Starting([], path=str(tmp_path / "engine.sock")) as engine:
        assert health("--host", engine.host, "--wait", "60s")[0] == 0
    assert len(engine.requests) == 4


def test_the_last_stage_is_told_when_waiting_ends(tmp_path):
    check(stage("--host", f"unix://{tmp_path}/none.sock", "--wait", "1s"), "engine-not-listening", "No such file or directory")


def test_a_question_that_the_end_cuts_short_does_not_hide_the_stage_before(tmp_path):
    """The first answer says why; the second one never comes."""
    answers = [[b"HTTP/1.1 500 Internal Server Error\r\n\r\nwhy"], [FOR_EVER]]

    class Worse(FakeEngine):
        def _play(self, connection):
            self._answer = answers.pop(0)
            super()._play(connection)
    with Worse([], path=str(tmp_path / "engine.sock")) as engine:
        check(stage("--host", engine.host, "--wait", "2s", "--timeout", "10s"), "engine-error", "status 500: why")


def test_waiting_ends_while_a_question_is_open(tmp_path):
    with FakeEngine([FOR_EVER], path=str(tmp_path / "engine.sock")) as engine:
        check(stage("--host", engine.host, "--wait", "1s", "--timeout", "1h", timeout=20), "engine-not-answering")


def test_waiting_watches_instead_of_asking(tmp_path):
    """The folder tells when something comes: far fewer questions than a busy loop, and none for what is somebody else's."""
    if not shutil.which("strace"):
        pytest.skip("needs the program strace")
    trace, path = tmp_path / "trace", tmp_path / "folder/engine.sock"
    path.parent.mkdir()
    (path.parent / "nothing").touch()
    engines = []

    def come():
        (path.parent / "other").touch()
        engines.append(FakeEngine([OK], path=str(path)))
    with later(come, 1.5):
        done = subprocess.run(["strace", "-o", trace, "-e", "trace=connect,inotify_init1,inotify_add_watch,read", "-s", "4096", "dindctl",
                               "health", "--host", f"unix://{path}", "--wait", "60s"], check=False, capture_output=True, timeout=30,
                              env={"PATH": f"{os.path.dirname(os.environ['DIND_BINARY'])}:{os.environ['PATH']}"})
    engines[0].__exit__()
    assert done.returncode == 0
    lines = trace.read_text().splitlines()
    watcher = next(line.split(" = ")[1] for line in lines if line.startswith("inotify_init1"))
    assert any("inotify_add_watch" in line and str(path.parent) in line for line in lines)
    woken = next(number for number, line in enumerate(lines) if line.startswith(f"read({watcher},") and "engine.sock" in line)
    assert any("connect(" in line and line.endswith(" = 0") for line in lines[woken:])
    assert 2 <= sum("connect(" in line for line in lines) <= 12


# ---- light ----


def calls(tmp_path, *words):
    """The system calls that dindctl makes, in order."""
    if not shutil.which("strace"):
        pytest.skip("needs the program strace")
    trace = tmp_path / "calls"
    done = subprocess.run(["strace", "-f", "-o", trace, "dindctl", *words], check=False, capture_output=True, timeout=30,
                          env={"PATH": f"{os.path.dirname(os.environ['DIND_BINARY'])}:{os.environ['PATH']}"})
    assert done.returncode == 0, done
    return [line.split(None, 1)[1].split("(")[0] for line in trace.read_text().splitlines() if "(" in line]


def test_over_a_unix_socket_nothing_is_done_but_to_ask(tmp_path):
    """It is a probe that runs every few seconds: OpenSSL is not started (files, locks, random numbers), nor another process."""
    with FakeEngine([OK], path=str(tmp_path / "engine.sock")) as engine:
        asked = collections.Counter(calls(tmp_path, "health", "--host", engine.host))
    asked.subtract(collections.Counter(calls(tmp_path, "version")))
    more = +asked
    assert set(more) <= {"socket", "setsockopt", "connect", "sendto", "poll", "recvfrom", "close", "brk"}, more
    assert more.total() <= 12, more
