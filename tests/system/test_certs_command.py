"""dindctl certs: a verb for everything that a start does with certificates, without a start."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from certs import (FILES, Store, assert_sound, client_context, folder, make_ca, make_trio, openssl, pair_matches, server_context,
                   shake_hands, store)


def dindctl(*arguments, env=(), **how):
    """On this very machine: every store is in a folder of the test's own."""
    return subprocess.run(["dindctl", "certs", *map(str, arguments)], executable=os.environ["DIND_BINARY"], capture_output=True,
                          text=True, timeout=20, check=False, env={"PATH": os.environ["PATH"], **dict(env)}, **how)


def verb(store, *arguments, **how):
    return dindctl(*arguments, "--set", f"tls.dir={store.path}", **how)


def good(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def made(store):
    """A store as a start here would leave it."""
    good(dindctl("init", store.path))
    good(verb(store, "renew"))
    return store


def rows(text):
    """The table as {folder: {column: cell}}."""
    head, *lines = text.split("\n\n")[0].splitlines()
    starts = [head.index(word) for word in head.split()]
    cells = [[line[begin:end].strip() for begin, end in zip(starts, [*starts[1:], None])] for line in lines if line]
    return {Path(row[0]).parent.name: dict(zip(head.split(), row)) for row in cells}


# ---- init ----


def test_init_makes_a_whole_store(store):
    assert good(dindctl("init", store.path)) == f"{store.path}: issued CA (missing), server (missing) and client (missing)\n"
    assert sorted(str(path.relative_to(store.path)) for path in store.path.rglob("*.pem")) == sorted(FILES)
    assert_sound(store)


def test_init_leaves_out_what_this_machine_is_called(store):
    good(dindctl("init", store.path, "--set", "tls.san=dind.example.com"))
    names = openssl("x509", "-noout", "-ext", "subjectAltName", "-in", store / "server/cert.pem").splitlines()[1]
    assert names.strip() == "DNS:docker, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:dind.example.com"


def test_init_takes_a_folder_below_the_working_directory(folder):
    assert good(dindctl("init", "some/certs", cwd=folder)).startswith(f"{folder}/some/certs: issued CA")
    assert_sound(Store(folder / "some/certs"))


def test_init_honours_the_settings_and_keeps_everything_in_its_folder(store, folder):
    clients = f'tls.clients=[{{"name": "ci", "dir": "{folder}/elsewhere", "mode": "0440"}}, {{"name": "bob"}}]'
    good(dindctl("init", store.path, "--set", clients, "--set", "tls.ca.keep_key=false", "--set", "tls.key=ed25519"))
    assert not (folder / "elsewhere").exists()
    assert not (store / "ca/key.pem").exists()
    assert stat.S_IMODE((store / "clients/ci/key.pem").stat().st_mode) == 0o440
    for name in ("ci", "bob"):
        assert shake_hands(server_context(store), client_context(store / f"clients/{name}"), "docker") == "TLSv1.3"
    assert "ED25519" in openssl("x509", "-noout", "-text", "-in", store / "server/cert.pem")


def test_init_completes_what_is_there(store):
    good(dindctl("init", store.path))
    before = store.state()
    assert good(dindctl("init", store.path)) == f"{store.path}: kept CA, server and client\n"
    assert store.state() == before


@pytest.mark.parametrize("arguments", [("init",), ("init", ""), ("init", "a", "b"), ("init", "--json", "a"), ("issue",), ("show", "x"),
                                       ("check", "--json"), ("make",), (), ("issue", "a", "--dir"), ("renew", "x")])
def test_wrong_words_are_errors_of_usage(folder, arguments):
    done = dindctl(*arguments, cwd=folder)
    assert done.returncode == 64, done.stdout + done.stderr
    assert "hint: dindctl help" in done.stderr
    assert list(folder.iterdir()) == []


# ---- show ----


def test_show_is_a_table_of_every_certificate(made):
    clients = 'tls.clients=[{"name": "ci"}]'
    table = rows(good(verb(made, "show", "--set", clients)))
    assert list(table) == ["ca", "server", "client", "ci"]
    assert table["server"]["SUBJECT"] == "CN=docker:dind server"
    assert table["server"]["KEY"] == "ecdsa-p256"
    assert table["server"]["VERDICT"] == table["ca"]["VERDICT"] == "good"
    assert {"DNS:docker", "IP:127.0.0.1", "IP:::1"} <= set(table["server"]["NAMES"].split())
    assert table["ci"]["VERDICT"] == "to be made (missing)"
    assert (table["ci"]["SUBJECT"], table["ci"]["KEY"], table["ci"]["FROM"], table["ci"]["NAMES"]) == ("-", "-", "-", "-")
    assert table["ca"]["FROM"] < table["server"]["UNTIL"] < table["ca"]["UNTIL"]


def test_show_changes_nothing(made):
    before = made.state()
    good(verb(made, "show", "--set", "tls.san=another-name"))
    verb(made, "check", "--set", "tls.san=another-name")
    assert made.state() == before


def test_show_as_json_says_the_same(made):
    document = json.loads(good(verb(made, "show", "--json", "--set", "tls.san=another-name")))
    assert document["dir"] == str(made.path)
    ca, server, client = document["certificates"]
    assert server["file"] == f"{made.path}/server/cert.pem"
    assert (server["state"], server["verdict"]) == ("due", "to be renewed (it lacked DNS:another-name)")
    assert "DNS:docker" in server["names"]
    assert ca["until"].endswith("Z") and client["state"] == "good"
    assert "refusal" not in document


def test_show_of_a_store_that_is_not_there_makes_none(store):
    table = rows(good(verb(store, "show")))
    assert {row["VERDICT"] for row in table.values()} == {"to be made (missing)"}
    assert not store.path.exists()


def test_show_says_why_a_start_would_be_refused(made):
    os.truncate(made / "ca/cert.pem", 100)
    out = good(verb(made, "show"))
    assert "bad (ca/cert.pem: is a damaged certificate)" in out
    assert f"a start is refused: {made.path}/ca/cert.pem: is a damaged certificate\n  hint: " in out
    document = json.loads(good(verb(made, "show", "--json")))
    assert document["refusal"] == f"{made.path}/ca/cert.pem: is a damaged certificate" and document["hint"]


# ---- check ----


def test_check_of_a_good_store_is_short(made):
    done = verb(made, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good\n", "")


@pytest.mark.parametrize("what, says", [
    ("a name", "server/cert.pem: to be renewed (it lacked DNS:another-name)"),
    ("a client", "clients/ci/cert.pem: to be made (missing)"),
    ("a mode", "client/cert.pem: owner and mode of its files are to be mended"),
    ("a damaged key", "ca/key.pem: is a damaged private key\n  hint: give an unencrypted PEM key"),
    ("nothing there", "ca/cert.pem: to be made (missing)"),
])
def test_check_says_what_is_not_good(made, what, says):
    more = ()
    if what == "a name":
        more = ("--set", "tls.san=another-name")
    elif what == "a client":
        more = ("--set", 'tls.clients=[{"name": "ci"}]')
    elif what == "a mode":
        os.chmod(made / "client/key.pem", 0o600)
    elif what == "a damaged key":
        os.truncate(made / "ca/key.pem", 60)
    else:
        shutil.rmtree(made.path)
    done = verb(made, "check", *more)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{made.path}/{says}" in done.stdout


def test_check_takes_a_users_certificate_without_a_name_for_good(store):
    make_trio(store)
    done = verb(store, "check", "--set", "tls.san=another-name")
    assert (done.returncode, done.stdout) == (0, "good\n")


def test_without_tls_there_is_nothing_to_look_at(store):
    done = dindctl("show", env={"DOCKER_TLS_CERTDIR": ""})
    assert done.returncode == 78
    assert "tls.dir is empty (environment variable DOCKER_TLS_CERTDIR)" in done.stderr


def test_the_container_s_own_settings_count(made, folder):
    (folder / "config.yaml").write_text(f"tls: {{dir: {made.path}, clients: [{{name: ci}}]}}\n")
    assert "ci" in rows(good(dindctl("show", "--config", folder / "config.yaml")))
    assert "ci" in rows(good(dindctl("show", env={"DIND_CONFIG": str(folder / "config.yaml")})))
    assert "client" in rows(good(dindctl("show", env={"DOCKER_TLS_CERTDIR": str(made.path)})))


# ---- renew ----


def test_renew_issues_leaves_again_with_the_same_keys(made):
    before = made.contents()
    out = good(verb(made, "renew"))
    assert "issued server (asked for) and client (asked for), kept CA" in out and "restart the container" in out
    after = made.contents()
    assert {name for name in after if before[name] != after[name]} == {"server/cert.pem", "client/cert.pem"}
    assert_sound(made)


def test_renew_by_root_leaves_the_files_to_whom_the_engine_runs_as(made):
    for path in made.path.rglob("*"):
        if "ca/" not in str(path.relative_to(made.path)) + "/":
            os.chown(path, 4321, 4321)
    good(verb(made, "renew"))
    assert {(made / name).stat().st_uid for name in FILES if not name.startswith("ca/")} == {4321}
    assert (made / "ca/key.pem").stat().st_uid == 0


def test_renew_without_a_ca_key_is_refused(store):
    good(dindctl("init", store.path, "--set", "tls.ca.keep_key=false"))
    before = store.state()
    done = verb(store, "renew")
    assert done.returncode == 71
    assert "ca/key.pem: is missing, so nothing can be renewed" in done.stderr and "tls.ca.keep_key" in done.stderr
    assert store.state() == before


# ---- issue ----


def test_issue_makes_one_more_client(made):
    before = made.contents()
    out = good(verb(made, "issue", "alice"))
    assert out == f"{made.path}/clients/alice: issued alice (missing)\n"
    where = made / "clients/alice"
    assert shake_hands(server_context(made), client_context(where), "docker") == "TLSv1.3"
    assert "CN = alice" in openssl("x509", "-noout", "-subject", "-in", where / "cert.pem")
    assert stat.S_IMODE((where / "key.pem").stat().st_mode) == 0o600
    after = made.contents()
    assert {name for name in before if before[name] != after[name]} == set()
    assert good(verb(made, "issue", "alice")) == f"{where}: kept alice\n"
    assert verb(made, "check").returncode == 0


def test_issue_takes_another_folder(made, folder):
    out = good(verb(made, "issue", "alice", "--dir", "here/alice", cwd=folder))
    assert out == f"{folder}/here/alice: issued alice (missing)\n"
    assert pair_matches(folder / "here/alice/cert.pem", folder / "here/alice/key.pem")
    assert not (made / "clients").exists()


def test_issue_uses_what_the_settings_say_of_that_client(made, folder):
    clients = f'tls.clients=[{{"name": "bob"}}, {{"name": "ci", "dir": "{folder}/x", "owner": 4321, "mode": "0640"}}]'
    assert good(verb(made, "issue", "ci", "--set", clients)) == f"{folder}/x: issued ci (missing)\n"
    info = (folder / "x/key.pem").stat()
    assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (4321, 0o640)
    assert not (made / "clients").exists()


@pytest.mark.parametrize("name, directory, says", [
    ("x/../x", None, "x/../x has characters that a name of a client cannot have"),
    (".x", None, ".x begins with a dot or a hyphen"),
    ("x" * 65, None, "is longer than 64 characters"),
    ("alice", "/", "/ is the root itself"),
    ("alice", "/a/../b", "/a/../b has .. in it"),
    ("alice", "STORE/ca", "in or around that of ca/"),
    ("alice", "STORE/client", "in or around that of client/"),
])
def test_issue_refuses_names_and_folders_that_would_do_harm(made, name, directory, says):
    before = made.state()
    more = ("--dir", directory.replace("STORE", str(made.path))) if directory else ()
    done = verb(made, "issue", name, *more)
    assert done.returncode == 64, done.stdout + done.stderr
    assert says in done.stderr
    assert made.state() == before


def test_issue_needs_the_ca_key(store):
    make_trio(store)
    done = verb(store, "issue", "alice")
    assert done.returncode == 71
    assert f"{store.path}/ca/key.pem: is missing, so nothing can be issued" in done.stderr
    assert not (store / "clients").exists()


def test_issue_works_with_a_users_ca(store):
    make_ca(store / "ca")
    assert "issued alice" in good(verb(store, "issue", "alice"))
    assert not (store / "server").exists() or list((store / "server").iterdir()) == []


def test_a_full_output_is_no_success(made):
    with open("/dev/full", "w") as full:
        done = subprocess.run(["dindctl", "certs", "show", "--set", f"tls.dir={made.path}"], executable=os.environ["DIND_BINARY"],
                              stdout=full, stderr=subprocess.PIPE, check=False, timeout=20)
    assert done.returncode == 71
