"""Clients by name, each in a folder of its own, and a CA whose key does not stay."""

import os
import shutil
import socket
import ssl
import stat
import time

import pytest

from certs import (DAY, IN_ACCESS, IN_MODIFY, Store, Watch, as_secret, assert_sound, assert_works, client_context, folder, make_ca,
                   make_leaf, make_trio, needs, openssl, pair_matches, server_context, shake_hands, store, without_tool)

pytestmark = without_tool

CLIENT_FILES = ("key.pem", "cert.pem", "ca.pem")
GONE = "is no longer in tls.clients, or has another folder now"


def client(name, directory="", uid=None, mode=None):
    """The option for one client."""
    words = [name, str(directory)] + ([str(uid)] if uid is not None else []) + ([mode] if mode else [])
    return "--client", ",".join(words)


def subject(path):
    return openssl("x509", "-noout", "-subject", "-in", path).strip()


def assert_client_works(store, where, name):
    """The engine lets it in, and knows who it is."""
    assert pair_matches(where / "cert.pem", where / "key.pem")
    assert subject(where / "cert.pem") == f"subject=CN = {name}"
    assert shake_hands(server_context(store), client_context(where), "docker") == "TLSv1.3"


def access(path):
    info = path.stat()
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)


def read_only(path):
    """What runs a program with that folder mounted read-only."""
    return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', str(path)]


# ---- clients by name ----


def test_every_client_has_a_folder_a_name_an_owner_and_a_mode(store, folder):
    outside = folder / "out/side"
    assert store.ensure(*client("ci"), *client("bob", outside, 4321, "0640")) == "issued"
    assert_sound(store)
    assert_client_works(store, store / "clients/ci", "ci")
    assert_client_works(store, outside, "bob")
    assert access(store / "clients/ci/key.pem") == (0, 0, 0o600)
    assert access(store / "clients/ci/cert.pem") == (0, 0, 0o644)
    assert {name: access(outside / name) for name in CLIENT_FILES} == {
        "key.pem": (4321, 4321, 0o640), "cert.pem": (4321, 4321, 0o644), "ca.pem": (4321, 4321, 0o644)}
    for made in (store / "clients", store / "clients/ci", folder / "out", outside):
        assert access(made) == (0, 0, 0o755), made
    before = store.state(), Store(outside).state()
    assert store.ensure(*client("ci"), *client("bob", outside, 4321, "0640")) == "kept"
    assert (store.state(), Store(outside).state()) == before


def test_a_new_client_changes_nothing_of_the_others(store):
    store.ensure(*client("ci"))
    before = store.contents()
    assert store.ensure(*client("ci"), *client("bob")) == "issued"
    after = store.contents()
    assert {name for name in after if before.get(name) != after[name]} == \
        {"ca/.clients", *(f"clients/bob/{name}" for name in CLIENT_FILES)}


def test_the_default_client_can_be_refined(store, folder):
    assert store.ensure(*client("client", folder / "elsewhere", 4321, "0600")) == "issued"
    assert not (store / "client").exists()
    assert access(folder / "elsewhere/key.pem") == (4321, 4321, 0o600)
    assert subject(folder / "elsewhere/cert.pem") == "subject=CN = docker:dind client"


def test_another_owner_and_mode_are_mended_without_new_keys(store):
    store.ensure(*client("ci"))
    before = store.contents()
    assert store.ensure(*client("ci", "", 4321, "0440")) == "issued"
    assert store.contents() == before
    assert access(store / "clients/ci/key.pem") == (4321, 4321, 0o440)
    assert store.ensure(*client("ci", "", 4321, "0440")) == "kept"


def test_a_folder_that_gets_another_name_gets_another_certificate(store, folder):
    """The name is what an authorization plugin goes by: a left-over one would be a lie."""
    store.ensure(*client("ci", folder / "x"))
    key = (folder / "x/key.pem").read_bytes()
    assert store.ensure(*client("bob", folder / "x")) == "issued"
    assert (folder / "x/key.pem").read_bytes() == key
    assert_client_works(store, folder / "x", "bob")


def test_a_client_that_is_taken_off_the_list_keeps_its_folder_and_is_told_once(store):
    store.ensure(*client("ci"), *client("bob"))
    before = store.contents()
    (note,) = store.notes(*client("bob"))
    assert note.startswith(f"client ci {GONE}: {store.path}/clients/ci is left as it is")
    assert store.notes(*client("bob")) == []
    assert {name: content for name, content in store.contents().items() if name != "ca/.clients"} == \
        {name: content for name, content in before.items() if name != "ca/.clients"}
    assert_client_works(store, store / "clients/ci", "ci")
    (note,) = store.notes()
    assert note.startswith(f"client bob {GONE}")
    assert store.notes() == []


def test_a_client_that_moves_is_told(store, folder):
    store.ensure(*client("ci"))
    (note,) = store.notes(*client("ci", folder / "x"))
    assert note.startswith(f"client ci {GONE}: {store.path}/clients/ci is left")
    assert_client_works(store, folder / "x", "ci")


def test_a_look_and_a_preview_do_not_use_the_telling_up(store):
    store.ensure(*client("ci"))
    for _ in range(2):
        assert GONE in store.run("--preview").stdout
    assert GONE in store.notes()[0]


def test_a_hundred_clients_and_a_short_summary(store):
    names = [client(f"c{number}") for number in range(100)]
    done = store.run(*(word for pair in names for word in pair))
    assert done.returncode == 0, done.stderr
    summary = done.stdout.splitlines()[0]
    assert summary.endswith("c3 (missing), c4 (missing) and 95 more") and len(summary) < 400
    assert_client_works(store, store / "clients/c99", "c99")


def test_certificates_are_renewed_before_their_time_is_up(store):
    store.ensure("--days", "90", *client("ci"))
    before = store.contents()
    options = ("--days", "90", "--renew-before", "5", *client("ci"))
    assert store.ensure(*options, now=time.time() + 84 * DAY) == "kept"
    assert store.ensure(*options, now=time.time() + 86 * DAY) == "issued"
    after = store.contents()
    assert {name for name in after if before[name] != after[name]} == \
        {"server/cert.pem", "client/cert.pem", "clients/ci/cert.pem"}


def test_a_ca_lives_as_long_as_it_is_told_to(store):
    store.ensure("--ca-days", "40")
    ends = ssl.cert_time_to_seconds(openssl("x509", "-noout", "-enddate", "-in", store / "ca/cert.pem").strip().split("=")[1])
    assert abs(ends - time.time() - 40 * DAY) < 60
    end = openssl("x509", "-noout", "-enddate", "-in", store / "server/cert.pem")
    assert end == openssl("x509", "-noout", "-enddate", "-in", store / "ca/cert.pem"), "no leaf lives longer than its CA"


def test_good_certificates_are_issued_again_when_that_is_asked_for(store):
    store.ensure(*client("ci"))
    before = store.contents()
    assert store.ensure("--renew", *client("ci")) == "issued"
    after = store.contents()
    assert {name for name in after if before[name] != after[name]} == \
        {"server/cert.pem", "client/cert.pem", "clients/ci/cert.pem"}
    assert_sound(store)


def test_one_more_client_touches_nothing_else(store):
    store.ensure(*client("ci"))
    before = store.contents()
    done = store.run("--clients", *client("eve"), names=("another-name",))
    assert done.stdout.startswith("issued: issued eve (missing)\n"), done.stdout + done.stderr
    after = store.contents()
    assert {name for name in after if before.get(name) != after[name]} == {f"clients/eve/{name}" for name in CLIENT_FILES}
    assert store.ensure("--clients", *client("eve")) == "kept"
    assert store.notes(*client("ci")) == [], "it was never on the list"


def test_one_more_client_needs_a_ca_that_works(store):
    done = store.run("--clients", *client("eve"))
    assert (done.returncode, store.path.exists()) == (1, False)
    assert f"{store.path}/ca/key.pem: is missing" in done.stderr and "dindctl certs init" in done.stderr
    store.ensure()
    store.refuse("--clients", *client("eve"), now=time.time() + 4000 * DAY, says="ca/cert.pem: cannot issue as it is (expired)")


def test_the_users_ca_issues_for_all_clients(store):
    make_ca(store / "ca", days=900)
    store.ensure(*client("ci"))
    assert_client_works(store, store / "clients/ci", "ci")


def test_a_trio_of_the_users_wants_the_clients_that_are_asked_for(store):
    ca = make_trio(store)
    assert store.ensure() == "verified"
    store.refuse(*client("ci"), says=f"{store.path}/clients/ci/key.pem: is missing, and without ca/key.pem nothing can be issued")
    make_leaf(store / "clients/ci", ca, subject="/CN=somebody", usage="clientAuth", names="")
    shutil.copy(ca / "cert.pem", store / "clients/ci/ca.pem")
    before = store.state()
    done = store.run(*client("ci"))
    assert done.stdout.startswith("verified: verified server and ci, which the user manages"), done.stdout + done.stderr
    assert store.state() == before


# ---- hostile folders ----


@pytest.mark.parametrize("name", CLIENT_FILES)
@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("kind", ["fifo", "hard link", "link", "dangling link", "socket", "garbage", "empty"])
def test_what_a_client_puts_into_its_folder_is_replaced_and_never_followed(store, folder, name, kind, outside):
    where = folder / "ci" if outside else store / "clients/ci"
    option = client("ci", folder / "ci" if outside else "", 4321)
    store.ensure(*option)
    os.chown(where, 4321, 4321)
    others = {other: content for other, content in store.contents().items() if not other.startswith("clients/")}
    secret = folder / "secret"
    secret.write_text("a secret")
    read = Watch(secret, IN_ACCESS | IN_MODIFY)
    (where / name).unlink()
    if kind == "fifo":
        os.mkfifo(where / name)
    elif kind == "hard link":
        os.link(secret, where / name)
    elif kind == "link":
        (where / name).symlink_to(secret)
    elif kind == "dangling link":
        (where / name).symlink_to(folder / "made-by-nobody")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(where / name))
    else:
        (where / name).write_bytes(b"x" * (1 << 20) if kind == "garbage" else b"")
    assert store.ensure(*option) == "issued"
    assert read.events() == []
    assert_client_works(store, where, "ci")
    assert access(where / "key.pem") == (4321, 4321, 0o600)
    assert {other: store.bytes(other) for other in others} == others
    assert secret.read_text() == "a secret" and secret.stat().st_nlink == 1 and secret.stat().st_uid == 0
    assert not (folder / "made-by-nobody").exists()


@pytest.mark.parametrize("what", ["the folder", "the folder above"])
def test_a_link_in_the_path_of_a_client_is_refused(store, folder, what):
    """Who can write above the folder could send the program anywhere."""
    (folder / "elsewhere/ci").mkdir(parents=True)
    (folder / "shared").mkdir()
    if what == "the folder":
        (folder / "shared/ci").symlink_to(folder / "elsewhere/ci")
    else:
        (folder / "shared").rmdir()
        (folder / "shared").symlink_to(folder / "elsewhere")
    done = store.run(*client("ci", folder / "shared/ci"))
    assert done.returncode == 1
    assert f"error: certs: {folder}/shared/ci: is not a folder, or is below a symbolic link" in done.stderr
    assert list((folder / "elsewhere/ci").iterdir()) == []


def test_a_folder_in_place_of_a_clients_file_is_refused(store, folder):
    store.ensure(*client("ci", folder / "ci"))
    (folder / "ci/key.pem").unlink()
    (folder / "ci/key.pem").mkdir()
    done = store.run(*client("ci", folder / "ci"))
    assert done.returncode == 1
    assert f"error: certs: {folder}/ci/key.pem: is a folder" in done.stderr


def test_one_volume_under_two_names_is_refused(store, folder):
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    twice = ["unshare", "-m", "sh", "-c", 'mount --bind "$0/one" "$0/two" && exec "$@"', str(folder)]
    done = store.run(*client("a", folder / "one"), *client("b", folder / "two"), around=twice)
    assert done.returncode == 1
    assert f"{folder}/two: is the same folder as {folder}/one" in done.stderr
    assert list((folder / "one").iterdir()) == []


def test_a_client_on_a_read_only_mount_does_not_stop_the_engine(store, folder):
    (folder / "ro").mkdir()
    around = read_only(folder / "ro")
    option = client("ci", folder / "ro/ci")
    done = store.run(*option, around=around)
    assert done.returncode == 0, done.stderr
    assert "left as it was: ci (missing)" in done.stdout
    assert f"note: {folder}/ro/ci/cert.pem ought to be renewed (missing)" in done.stdout
    assert_sound(store)


def test_a_disk_error_of_a_clients_file_is_not_taken_for_a_missing_one(store):
    needs("strace")
    store.ensure(*client("ci"))
    before = store.state()
    fault = ["strace", "-f", "-o", "/dev/null", "-P", str(store / "clients/ci/key.pem"), "-e", "inject=read:error=EIO"]
    done = store.run(*client("ci"), around=fault)
    assert done.returncode == 1
    assert f"{store.path}/clients/ci/key.pem: Input/output error" in done.stderr
    assert store.state() == before


# ---- a CA key that does not stay ----


def test_the_ca_key_is_gone_once_everything_is_issued(store):
    done = store.run("--no-ca-key", *client("ci"))
    assert done.returncode == 0, done.stderr
    assert "issued CA (missing), server (missing), client (missing) and ci (missing), removed the CA's key" in done.stdout
    assert not (store / "ca/key.pem").exists()
    assert (store / "ca/cert.pem").exists()
    assert_works(store)
    assert_client_works(store, store / "clients/ci", "ci")
    before = store.state()
    assert store.ensure("--no-ca-key", *client("ci")) == "verified"
    assert store.ensure(*client("ci")) == "verified"
    assert store.state() == before


def test_the_ca_key_of_a_store_that_was_good_before_goes_too(store):
    store.ensure()
    before = store.contents()
    assert store.ensure("--no-ca-key") == "issued"
    after = store.contents()
    assert {name for name in before if after.get(name) != before[name]} == {"ca/key.pem"}


def test_a_store_without_ca_key_goes_on_with_a_name_missing_and_says_so(store):
    """A container gets another address at every start."""
    store.ensure("--no-ca-key")
    done = store.run("--no-ca-key", names=("another-name",))
    assert done.returncode == 0, done.stderr
    assert "left as it was: server (it lacked DNS:another-name), kept CA and client; there is no CA key" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("note")] == []
    notes = store.notes("--no-ca-key", now=time.time() + 600 * DAY)
    assert any("server/cert.pem ought to be renewed" in note and "tls.ca.keep_key" in note for note in notes)


@pytest.mark.parametrize("what", ["the server has expired", "the client is gone", "a new client", "a client of another CA",
                                  "renewal"])
def test_what_must_be_issued_without_a_ca_key_is_refused_with_the_reason(store, folder, what):
    store.ensure("--no-ca-key")
    options, says, now = ["--no-ca-key"], "and without ca/key.pem nothing can be issued", None
    if what == "the server has expired":
        says, now = f"{store.path}/server/cert.pem: expired on 20", time.time() + 900 * DAY
    elif what == "the client is gone":
        shutil.rmtree(store / "client")
    elif what == "a new client":
        options += client("ci")
    elif what == "a client of another CA":
        other = Store(folder / "other")
        other.ensure()
        for name in ("key.pem", "cert.pem"):
            shutil.copy(other / "client" / name, store / "client" / name)
    else:
        options, says = ["--renew"], f"{store.path}/ca/key.pem: is missing, so nothing can be renewed"
    store.refuse(*options, says=says, now=now)
    assert "tls.ca.keep_key" in store.run(*options, now=now).stderr


def test_a_store_without_ca_key_begins_anew_when_ca_and_server_are_removed(store):
    store.ensure("--no-ca-key", *client("ci"))
    old = (store / "clients/ci/key.pem").read_bytes()
    shutil.rmtree(store / "ca")
    shutil.rmtree(store / "server")
    assert store.ensure("--no-ca-key", *client("ci"), *client("bob")) == "issued"
    for name in ("ci", "bob"):
        assert_client_works(store, store / f"clients/{name}", name)
    assert (store / "clients/ci/key.pem").read_bytes() == old
    assert not (store / "ca/key.pem").exists()


def test_owner_and_mode_are_mended_without_a_ca_key(store):
    store.ensure("--no-ca-key", *client("ci"))
    before = store.contents()
    assert store.ensure("--no-ca-key", "--owner", "4321", *client("ci", "", 4321, "0640")) == "issued"
    assert store.contents() == before
    assert access(store / "server/key.pem") == (4321, 4321, 0o600)
    assert access(store / "clients/ci/key.pem") == (4321, 4321, 0o640)
    assert store.ensure("--no-ca-key", "--owner", "4321", *client("ci", "", 4321, "0640")) == "verified"


@pytest.mark.parametrize("whose", ["the user's", "a link", "on a read-only mount"])
def test_a_ca_key_that_is_not_ours_to_remove_stays_and_is_told(store, whose):
    around = ()
    if whose == "the user's":
        make_ca(store / "ca")
    else:
        store.ensure()
    if whose == "a link":
        as_secret(store / "ca")
    if whose == "on a read-only mount":
        around = read_only(store.path)
    key = store.bytes("ca/key.pem")
    for _ in range(2):
        assert f"{store.path}/ca/key.pem stays although tls.ca.keep_key is false" in store.notes("--no-ca-key", around=around)[0]
    assert store.bytes("ca/key.pem") == key


def test_a_server_folder_alone_from_another_machine_is_enough(store, folder):
    """What a Kubernetes Secret brings: links, and no ca/ or client/."""
    store.ensure("--no-ca-key")
    mounted = Store(folder / "mounted")
    shutil.copytree(store / "server", mounted / "server")
    as_secret(mounted / "server")
    before = mounted.state()
    assert mounted.ensure("--no-ca-key", names=("another-name",)) == "verified"
    assert mounted.state() == before
    assert shake_hands(server_context(mounted), client_context(store / "client"), "docker")


# ---- the list ----


def listed(store, *options, **how):
    done = store.run("--look", *options, **how)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    return {line[0].removeprefix(f"{store.path}/").removesuffix("/cert.pem"): tuple(line[1:]) for line in lines}, done.stdout


def test_the_list_says_what_a_start_would_do_and_writes_nothing(store):
    found, _ = listed(store, *client("ci"))
    assert {name: what[:2] for name, what in found.items()} == dict.fromkeys(
        ("ca", "server", "client", "clients/ci"), ("due", "to be made (missing)"))
    assert not store.path.exists()
    store.ensure("--key", "ecdsa-p384")
    before = store.state()
    found, _ = listed(store, *client("ci"), names=("another-name",))
    assert found["ca"] == ("good", "good", "CN=docker:dind CA", "ecdsa-p384")
    assert found["server"][:2] == ("due", "to be renewed (it lacked DNS:another-name)")
    assert found["clients/ci"][:2] == ("due", "to be made (missing)")
    found, _ = listed(store, "--no-ca-key")
    assert found["ca"][:2] == ("due", "its key is to be removed (tls.ca.keep_key: false)")
    found, _ = listed(store, "--owner", "4321")
    assert found["server"][:2] == ("due", "owner and mode of its files are to be mended")
    assert store.state() == before


def test_the_list_of_a_store_that_is_refused_names_what_is_bad(store):
    store.ensure()
    os.truncate(store / "ca/cert.pem", 100)
    found, out = listed(store)
    assert found["ca"][0] == "bad" and "damaged" in found["ca"][1]
    assert found["server"][0] == "unjudged"
    assert f"refusal: {store.path}/ca/cert.pem: is a damaged certificate" in out


def test_the_list_of_a_users_trio_leaves_out_what_is_kept_elsewhere(store):
    make_trio(store)
    found, _ = listed(store)
    assert list(found) == ["server"]
    assert found["server"][:3] == ("good", "good", "CN=srv")


def test_what_a_certificate_says_cannot_break_a_line_of_the_list(store):
    make_ca(store / "ca", subject="/CN=evil\n\x1b[31m")
    store.ensure()
    found, _ = listed(store)
    assert found["ca"][2] == "CN=evil\\0A\\1B[31m"
