"""The certificate store on disk: who may read what, what verifiers accept, what is never overwritten, and what is refused."""

import os
import random
import re
import shutil
import socket
import ssl
import stat
import subprocess
import time

import pytest

from certs import (DAY, FILES, FOLDERS, NAMES, TOOL, Store, as_secret, assert_sound, assert_works, client_context, folder,
                   make_ca, make_leaf, make_old_store, make_trio, needs, openssl, server_context, shake_hands, store,
                   without_tool)

ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096")

pytestmark = without_tool


# ---- the layout ----


def test_a_first_start_makes_the_layout_of_the_contract(store):
    assert store.ensure() == "issued"
    files = sorted(str(path.relative_to(store.path)) for path in store.path.rglob("*.pem"))
    assert files == sorted(FILES)
    assert_sound(store)
    modes = {folder: stat.S_IMODE((store / folder).stat().st_mode) for folder in FOLDERS}
    assert modes == {"ca": 0o700, "server": 0o755, "client": 0o755}


def test_a_narrow_umask_keeps_nobody_out(store):
    assert store.ensure(umask=0o077) == "issued"
    assert_sound(store)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o755
    assert stat.S_IMODE((store / "client").stat().st_mode) == 0o755


def test_a_second_start_writes_nothing(store):
    store.ensure()
    before = store.state()
    assert store.ensure() == "kept"
    assert store.ensure(names=("docker",)) == "kept"
    assert store.state() == before


def test_a_preview_writes_nothing_and_knows_what_will_happen(store):
    assert store.ensure("--preview") == "issued"
    assert not store.path.exists()
    store.ensure()
    before = store.state()
    assert store.ensure("--preview") == "kept"
    assert store.ensure("--preview", names=("new-name",)) == "issued"
    assert store.state() == before


def test_names_that_are_added_change_the_server_certificate_alone(store):
    store.ensure()
    before = store.contents()
    assert store.ensure(names=(*NAMES, "new-name")) == "issued"
    after = store.contents()
    assert [name for name in FILES if before[name] != after[name]] == ["server/cert.pem"]
    assert_sound(store)
    assert_works(store, "new-name")


def test_certificates_that_are_due_are_renewed_with_their_keys(store):
    store.ensure()
    before = store.contents()
    assert store.ensure(now=time.time() + 560 * DAY) == "issued"
    after = store.contents()
    assert [name for name in FILES if before[name] != after[name]] == ["server/cert.pem", "client/cert.pem"]


def test_a_renewed_ca_keeps_the_copies_of_clients_working(store, folder):
    store.ensure(now=time.time() - 10 * DAY)
    shutil.copytree(store / "client", folder / "copy")
    store.ensure("--key", "ecdsa-p256", now=time.time() + 2500 * DAY)
    assert store.bytes("ca/cert.pem") != (folder / "copy/ca.pem").read_bytes()
    # The new leaves are not valid yet by the clock of this machine: chains alone.
    openssl("verify", "-x509_strict", "-no_check_time", "-CAfile", folder / "copy/ca.pem", store / "server/cert.pem")
    openssl("verify", "-x509_strict", "-no_check_time", "-CAfile", store / "server/ca.pem", folder / "copy/cert.pem")


def test_files_belong_to_whom_the_engine_runs_as_but_the_ca_to_who_started(store):
    store.ensure("--owner", "4321")
    for name in FILES:
        info = (store / name).stat()
        assert (info.st_uid, info.st_gid) == ((0, 0) if name.startswith("ca/") else (4321, 4321)), name
    assert (store / "server").stat().st_uid == 4321
    assert (store / "ca").stat().st_uid == 0
    before = store.state()
    assert store.ensure("--owner", "4321") == "kept"
    assert store.state() == before


def test_another_owner_and_wrong_modes_are_mended_without_new_keys(store):
    store.ensure()
    os.chmod(store / "server/key.pem", 0o644)
    os.chmod(store / "client/key.pem", 0o600)
    before = store.contents()
    assert store.ensure("--owner", "4321") == "issued"
    assert store.contents() == before
    assert (store / "server/key.pem").stat().st_uid == 4321
    assert_sound(store)
    assert store.ensure("--owner", "4321") == "kept"
    assert store.ensure() == "issued"
    assert (store / "server/key.pem").stat().st_uid == 0


def test_a_server_that_makes_root_nobody_is_not_written_to_at_every_start(store):
    store.ensure()
    for name in FILES:
        os.chown(store / name, 65534, 65534)
    before = store.state()
    assert store.ensure() == "kept"
    assert store.state() == before


def test_an_ordinary_user_has_a_store_of_its_own(folder):
    tool = folder / "tool"
    shutil.copy(TOOL, tool)
    home = folder / "home"
    home.mkdir()
    os.chown(home, 4321, 4321)
    store = Store(home / "certs")
    command = [tool, *store.command()[1:]]
    for word in ("issued", "kept"):
        done = subprocess.run(command, user=4321, group=4321, extra_groups=[], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(word)
    assert_sound(store)
    assert {(store / name).stat().st_uid for name in FILES} == {4321}


# ---- chains ----


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_strict_verifiers_accept_the_chains(store, algorithm):
    needs("certtool")
    assert store.ensure("--key", algorithm) == "issued"
    for leaf, purpose in (("server/cert.pem", "sslserver"), ("client/cert.pem", "sslclient")):
        openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", store / "ca/cert.pem", store / leaf)
        done = subprocess.run(["certtool", "--verify", "--load-ca-certificate", store / "ca/cert.pem", "--infile", store / leaf],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "The certificate is trusted." in done.stdout, done.stdout + done.stderr
    assert_sound(store)
    assert_works(store, "10.0.0.1")
    assert_works(store, "::1")
    for name in ("ca/key.pem", "server/key.pem", "client/key.pem"):
        assert store.bytes(name).startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert store.ensure("--key", algorithm) == "kept"
    assert store.ensure() == "kept"


def test_a_handshake_is_refused_where_it_must_be(store):
    store.ensure()
    with pytest.raises(ssl.SSLError):
        assert_works(store, "unknown-name")
    other = Store(store.path.parent / "other")
    other.ensure()
    with pytest.raises(ssl.SSLError):
        shake_hands(server_context(store), client_context(other / "client"), "docker")


def test_another_kind_of_key_replaces_everything_only_if_it_is_asked_for(store):
    store.ensure()
    before = store.contents()
    assert store.ensure() == "kept"
    assert store.ensure("--key", "ed25519") == "issued"
    after = store.contents()
    assert [name for name in FILES if before[name] == after[name]] == []
    assert_sound(store)


# ---- stores of the old entrypoint ----


def test_a_store_of_the_old_entrypoint_is_kept(store):
    make_old_store(store, "DNS:docker,DNS:localhost,IP:10.0.0.1,IP:::1", strict=True)
    before = store.state()
    assert store.ensure() == "kept"
    assert store.state() == before


def test_an_older_store_gets_certificates_for_its_keys_and_clients_keep_working(store, folder):
    make_old_store(store, "DNS:docker,DNS:localhost,IP:10.0.0.1,IP:::1", strict=False)
    before = store.contents()
    shutil.copytree(store / "client", folder / "copy")
    assert store.ensure() == "issued"
    after = store.contents()
    kept = ("key.pem", "csr.pem", "openssl.cnf", "cert.srl", "client/cert.pem")
    for name in before:
        assert (before[name] == after[name]) == name.endswith(kept), name
    assert_sound(store)
    lenient = client_context(folder / "copy")
    lenient.verify_flags &= ~ssl.VERIFY_X509_STRICT
    assert shake_hands(server_context(store), lenient, "docker")


def test_a_name_that_an_old_store_lacks_is_added_to_its_server_certificate(store):
    make_old_store(store, "DNS:docker,DNS:localhost", strict=True)
    before = store.contents()
    assert store.ensure() == "issued"
    after = store.contents()
    assert [name for name in before if before[name] != after[name]] == ["server/cert.pem"]
    assert_sound(store)


# ---- the user's own files ----


def test_a_trio_without_ca_key_is_verified_and_untouched(store):
    make_trio(store)
    before = store.state()
    assert store.ensure() == "verified"
    assert store.state() == before


def test_a_self_signed_trio_is_verified_and_untouched(store):
    make_ca(store / "server", subject="/CN=me", more=("basicConstraints=critical,CA:TRUE", "subjectAltName=DNS:docker"))
    shutil.copy(store / "server/cert.pem", store / "server/ca.pem")
    before = store.state()
    assert store.ensure() == "verified"
    assert store.state() == before


def test_a_ca_with_key_is_used_and_untouched(store):
    make_ca(store / "ca")
    before = store.contents()
    assert store.ensure() == "issued"
    after = store.contents()
    assert {name: after[name] for name in before} == before
    assert "CN = my-own-ca" in openssl("x509", "-in", store / "server/cert.pem", "-noout", "-issuer")
    openssl("verify", "-CAfile", store / "ca/cert.pem", store / "server/cert.pem", store / "client/cert.pem")
    assert store.ensure() == "kept"


def test_a_private_key_beside_the_users_ca_certificate_is_not_given_to_clients(store):
    make_ca(store / "ca")
    (store / "ca/cert.pem").write_bytes(store.bytes("ca/cert.pem") + store.bytes("ca/key.pem"))
    store.ensure()
    for name in ("server/ca.pem", "client/ca.pem"):
        assert b"PRIVATE KEY" not in store.bytes(name)
    assert b"PRIVATE KEY" in store.bytes("ca/cert.pem")
    assert store.ensure() == "kept"


def test_a_chain_of_the_users_ca_is_passed_on_whole(store, folder):
    make_ca(folder / "root", subject="/CN=root")
    make_ca(store / "ca", subject="/CN=middle")
    request = openssl("x509", "-x509toreq", "-in", store / "ca/cert.pem", "-signkey", store / "ca/key.pem")
    (folder / "ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
                                "authorityKeyIdentifier=keyid\n")
    middle = openssl("x509", "-req", "-CA", folder / "root/cert.pem", "-CAkey", folder / "root/key.pem", "-set_serial", 7,
                     "-days", 20, "-extfile", folder / "ext", input=request)
    (store / "ca/cert.pem").write_text(middle + (folder / "root/cert.pem").read_text())
    assert store.ensure() == "issued"
    assert store.bytes("client/ca.pem").count(b"BEGIN CERTIFICATE") == 2
    assert_works(store)
    assert store.ensure() == "kept"


def test_a_ca_that_forbids_what_is_needed_is_found_before_anything_is_written(store):
    make_ca(store / "ca", more=("basicConstraints=critical,CA:TRUE", "nameConstraints=critical,permitted;DNS:example.org"))
    done = store.run()
    assert done.returncode == 1
    assert f"{store.path}/ca/cert.pem: a server certificate from this CA would not be valid: permitted subtree violation" \
        in done.stderr
    assert sorted(store.contents()) == ["ca/cert.pem", "ca/key.pem"]
    assert store.temporaries() == []


def test_an_encrypted_ca_key_is_refused(store):
    make_ca(store / "ca")
    openssl("pkcs8", "-topk8", "-in", store / "ca/key.pem", "-out", store / "ca/locked", "-passout", "pass:x")
    os.replace(store / "ca/locked", store / "ca/key.pem")
    store.refuse(says=f"{store.path}/ca/key.pem: is encrypted with a passphrase")


@pytest.mark.parametrize("content, says", [
    (b"-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n", "refers to a key inside a TPM"),
    (b"pkcs11:token=ca;object=key\n", "refers to a key inside a hardware token"),
    (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is an OpenSSH key"),
])
def test_a_ca_key_in_another_form_is_refused(store, content, says):
    make_ca(store / "ca")
    (store / "ca/key.pem").write_bytes(content)
    store.refuse(says=f"{store.path}/ca/key.pem: {says}")


def test_a_ca_key_in_der_is_refused(store):
    make_ca(store / "ca")
    openssl("rsa", "-in", store / "ca/key.pem", "-outform", "DER", "-out", store / "ca/der")
    os.replace(store / "ca/der", store / "ca/key.pem")
    store.refuse(says=f"{store.path}/ca/key.pem: is in DER")


def test_a_ca_certificate_without_its_key_is_refused(store):
    make_ca(store / "ca")
    (store / "ca/key.pem").unlink()
    store.refuse(says=f"{store.path}/ca/cert.pem: there is no ca/key.pem")


def test_a_lone_ca_key_gets_a_certificate_but_tls_key_does_not_replace_it(store):
    make_ca(store / "ca")
    (store / "ca/cert.pem").unlink()
    key = store.bytes("ca/key.pem")
    store.refuse("--key", "ecdsa-p256", says=f"{store.path}/ca/key.pem: is not the kind of key that tls.key asks for")
    assert store.ensure() == "issued"
    assert store.bytes("ca/key.pem") == key
    assert_sound(store)


def test_a_users_server_certificate_from_the_users_ca_is_never_overwritten(store):
    make_ca(store / "ca", days=900)
    make_leaf(store / "server", store / "ca", names="DNS:docker,DNS:only-here", days=90)
    before = store.contents()
    assert store.ensure() == "issued"
    assert {name: content for name, content in store.contents().items() if name in before} == before
    assert "left as it was: server (it lacked DNS:localhost)" in store.run().stdout
    assert store.notes() == []
    assert "server/cert.pem ought to be renewed" in store.notes(now=time.time() + 89 * DAY)[0]
    store.refuse(now=time.time() + 91 * DAY, says=f"{store.path}/server/cert.pem: expired on 20")


def test_a_users_server_certificate_from_another_ca_is_refused(store):
    make_ca(store / "ca")
    make_trio(store)
    store.refuse(says=f"{store.path}/server/cert.pem: is yours, but not from the CA in ca/")


def test_two_files_of_a_users_trio_are_refused(store):
    make_trio(store)
    (store / "server/ca.pem").unlink()
    store.refuse(says=f"{store.path}/server/cert.pem: is yours, but server/{{ca,cert,key}}.pem are not all there")


def test_a_users_client_certificate_keeps_its_name_and_mode(store):
    make_ca(store / "ca", days=900)
    make_leaf(store / "client", store / "ca", subject="/CN=alice", usage="clientAuth", names="", days=30)
    os.chmod(store / "client/key.pem", 0o600)
    before = store.contents()
    assert store.ensure(now=time.time() + 29 * DAY) == "issued"
    assert {name: content for name, content in store.contents().items() if name in before} == before
    assert stat.S_IMODE((store / "client/key.pem").stat().st_mode) == 0o600


def test_a_trio_from_a_kubernetes_secret_is_verified_and_untouched(store):
    make_trio(store)
    as_secret(store / "server")
    before = store.state()
    assert store.ensure() == "verified"
    assert store.state() == before


def test_a_ca_from_a_kubernetes_secret_issues_and_is_untouched(store):
    make_ca(store / "ca")
    as_secret(store / "ca")
    before = store.contents()
    assert store.ensure() == "issued"
    assert {name: content for name, content in store.contents().items() if name in before} == before
    assert (store / "ca/key.pem").is_symlink()
    assert store.ensure() == "kept"


def test_a_store_of_ours_behind_links_goes_on_without_the_new_name(store):
    store.ensure()
    as_secret(store / "server")
    before = store.state()
    done = store.run(names=(*NAMES, "new-name"))
    assert done.stdout.startswith("kept: left as it was: server (it lacked DNS:new-name)"), done.stdout + done.stderr
    assert store.state() == before
    store.refuse(now=time.time() + 900 * DAY, says=f"{store.path}/server/cert.pem: expired on 20")


def test_certificates_of_another_daemon_in_client_are_reported(store, folder):
    store.ensure()
    other = Store(folder / "other")
    other.ensure()
    shutil.rmtree(store / "client")
    shutil.copytree(other / "client", store / "client")
    assert f"{store.path}/client holds certificates from another CA" in store.notes()[0]
    assert_sound(store)
    assert store.notes() == []


# ---- bad input ----



@pytest.mark.parametrize("name", ["ca/key.pem", "ca/cert.pem"])
def test_a_ca_that_was_cut_short_is_refused(store, name):
    store.ensure()
    os.truncate(store / name, 100)
    store.refuse(says=[f"{store.path}/{name}: is a damaged"])


@pytest.mark.parametrize("name", ["server/key.pem", "server/cert.pem", "server/ca.pem"])
def test_a_trio_that_was_cut_short_is_refused(store, name):
    make_trio(store)
    os.truncate(store / name, 100)
    error = store.refuse(says=f"{store.path}/server/")
    assert name in error and "damaged" in error


@pytest.mark.parametrize("name", ["server/key.pem", "server/cert.pem", "client/key.pem", "client/cert.pem"])
def test_a_leaf_that_was_cut_short_is_issued_again_and_named(store, name):
    store.ensure()
    os.truncate(store / name, 100)
    done = store.run()
    assert done.returncode == 0 and "damaged" in done.stdout and name.partition("/")[0] in done.stdout
    assert_sound(store)


def test_a_key_of_another_certificate_is_refused_in_a_trio(store, folder):
    make_trio(store)
    openssl("genrsa", "-out", store / "server/key.pem", "2048")
    store.refuse(says=f"{store.path}/server/key.pem: is not the key of server/cert.pem")


def test_a_key_of_another_ca_is_refused(store):
    make_ca(store / "ca")
    openssl("genrsa", "-out", store / "ca/key.pem", "2048")
    store.refuse(says=f"{store.path}/ca/cert.pem: is not the certificate of ca/key.pem")


def test_an_expired_ca_is_refused(store):
    make_ca(store / "ca")
    store.refuse(now=time.time() + 31 * DAY, says=f"{store.path}/ca/cert.pem: expired on 20")


def test_an_expired_ca_of_a_trio_is_refused(store):
    make_trio(store, days=60)
    store.refuse(now=time.time() + 31 * DAY, says=f"{store.path}/server/ca.pem: the CA of server/cert.pem expired on 20")
    store.refuse(now=time.time() + 61 * DAY, says=f"{store.path}/server/cert.pem: expired on 20")


def test_a_certificate_that_is_no_ca_is_refused_as_ca(store):
    make_ca(store / "ca", more=("basicConstraints=critical,CA:FALSE",))
    store.refuse(says=f"{store.path}/ca/cert.pem: is not a CA certificate")


def test_a_trio_for_clients_is_refused(store):
    make_trio(store, usage="clientAuth")
    store.refuse(says=[f"{store.path}/server/cert.pem: does not verify against server/ca.pem", "purpose"])


def test_a_weak_ca_key_is_refused(store):
    make_ca(store / "ca", key="rsa:1024")
    store.refuse(says=f"{store.path}/ca/key.pem: is a kind of key that current TLS clients refuse")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("client/")])
def test_a_megabyte_of_garbage_is_refused(store, name):
    store.ensure()
    (store / name).write_bytes(random.Random(1).randbytes(1 << 20))
    store.refuse(says=f"{store.path}/{name}: is longer than 64 KiB")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("client/")])
@pytest.mark.parametrize("kind", ["fifo", "folder", "hard link", "link to a secret", "link to a folder above"])
def test_what_is_no_file_of_the_store_is_refused(store, folder, name, kind):
    store.ensure()
    secret = folder / "secret"
    secret.write_text("a secret")
    (store / name).unlink()
    if kind == "fifo":
        os.mkfifo(store / name)
    elif kind == "folder":
        (store / name).mkdir()
    elif kind == "hard link":
        os.link(secret, store / name)
    else:
        (store / name).symlink_to(secret if kind == "link to a secret" else "../../secret")
    before = secret.stat()
    store.refuse(says=f"{store.path}/{name}: is ")
    assert secret.read_text() == "a secret"
    assert (before.st_mode, before.st_uid, before.st_mtime_ns) == \
        (secret.stat().st_mode, secret.stat().st_uid, secret.stat().st_mtime_ns)


@pytest.mark.parametrize("name", ["client/key.pem", "client/cert.pem", "client/ca.pem"])
@pytest.mark.parametrize("kind", ["fifo", "hard link", "link", "dangling link", "socket", "garbage", "empty"])
def test_what_clients_put_into_their_folder_is_replaced_and_never_followed(store, folder, name, kind):
    store.ensure()
    others = {other: store.bytes(other) for other in FILES if not other.startswith("client/")}
    secret = folder / "secret"
    secret.write_text("a secret")
    (store / name).unlink()
    if kind == "fifo":
        os.mkfifo(store / name)
    elif kind == "hard link":
        os.link(secret, store / name)
    elif kind == "link":
        (store / name).symlink_to(secret)
    elif kind == "dangling link":
        (store / name).symlink_to(folder / "made-by-nobody")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(store / name))
    else:
        (store / name).write_bytes(b"x" * (1 << 20) if kind == "garbage" else b"")
    assert store.ensure() == "issued"
    assert_sound(store)
    assert {other: store.bytes(other) for other in others} == others
    assert secret.read_text() == "a secret" and secret.stat().st_nlink == 1
    assert not (folder / "made-by-nobody").exists()


def test_a_folder_in_place_of_a_client_file_is_refused(store):
    store.ensure()
    (store / "client/key.pem").unlink()
    (store / "client/key.pem").mkdir()
    store.refuse(says=f"{store.path}/client/key.pem: is a folder")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_link_in_place_of_a_folder_is_refused_and_not_followed(store, folder, name):
    store.ensure()
    (folder / "elsewhere").mkdir()
    shutil.rmtree(store / name)
    (store / name).symlink_to(folder / "elsewhere")
    done = store.run()
    assert done.returncode == 1
    assert f"{store.path}/{name}" in done.stderr
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_file_as_store_is_refused(folder):
    (folder / "certs").write_text("x")
    store = Store(folder / "certs")
    done = store.run()
    assert done.returncode == 1 and f"{store.path}: Not a directory" in done.stderr and "tls.dir" in done.stderr


def test_a_stranger_who_owns_a_folder_is_told(store):
    store.ensure()
    os.chown(store / "ca", 4321, -1)
    os.chown(store / "server", 4321, -1)
    assert store.notes() == [f"{store.path}/{name} belongs to user 4321, who can replace what is in it"
                             for name in ("ca", "server")]
    os.chown(store / "ca", 0, -1)
    assert store.notes("--owner", "4321") == []


def test_a_ca_key_that_everybody_can_read_is_told(store):
    store.ensure()
    os.chmod(store / "ca/key.pem", 0o644)
    assert "ca/key.pem can be read by every user" in store.notes()[0]
    assert stat.S_IMODE((store / "ca/key.pem").stat().st_mode) == 0o644


def test_a_file_that_an_ordinary_user_may_not_read_is_named(store, folder):
    store.ensure()
    tool = folder / "tool"
    shutil.copy(TOOL, tool)
    for folder_name in ("server", "client"):
        os.chown(store / folder_name, 4321, 4321)
    before = store.state()
    done = subprocess.run([tool, *store.command()[1:]], user=4321, group=4321, extra_groups=[], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    assert f"{store.path}/server/key.pem: Permission denied" in done.stderr
    assert store.state() == before


def test_a_wrong_clock_is_told_and_not_obeyed(store):
    store.ensure()
    before = store.state()
    assert "the clock says 1000 seconds since 1970" in store.notes(now=1000)[0]
    assert store.state() == before
    other = Store(store.path.parent / "other")
    other.ensure(now=1000)
    assert_sound(other)


# ---- file systems that refuse ----

READ_ONLY = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"']


def read_only(store):
    return [*READ_ONLY, str(store.path)]


def test_a_good_store_on_a_read_only_mount_is_kept(store):
    store.ensure()
    before = store.state()
    assert store.ensure(around=read_only(store)) == "kept"
    assert store.state() == before


def test_a_trio_on_a_read_only_mount_is_verified(store):
    make_trio(store)
    assert store.ensure(around=read_only(store)) == "verified"


def test_a_read_only_store_goes_on_while_it_works_and_says_what_it_lacks(store):
    store.ensure()
    os.chmod(store / "server/key.pem", 0o640)
    before = store.state()
    done = store.run(names=(*NAMES, "new-name"), around=read_only(store))
    assert done.returncode == 0, done.stderr
    assert "left as it was: server (it lacked DNS:new-name)" in done.stdout
    notes = store.notes(around=read_only(store), now=time.time() + 700 * DAY)
    assert [note for note in notes if "server/cert.pem ought to be renewed (less than a third of its life left)" in note]
    assert store.state() == before


@pytest.mark.parametrize("what", ["empty", "expired", "another CA"])
def test_a_read_only_store_that_does_not_work_is_refused(store, folder, what):
    if what == "empty":
        store.path.mkdir()
    else:
        store.ensure()
    if what == "another CA":
        other = Store(folder / "other")
        other.ensure()
        for name in ("key.pem", "cert.pem"):
            shutil.copy(other / "ca" / name, store / "ca" / name)
    store.refuse(around=read_only(store), now=time.time() + 900 * DAY if what == "expired" else None,
                 says=f"{store.path}/{'ca/: is on a read-only' if what == 'empty' else 'server/'}")


# A file system that is full. Its content is brought back for a look.
FULL = """
mount -t tmpfs -o size=$1 tmpfs "$0" && cp -a "$0.before/." "$0"
dd if=/dev/zero of="$0/ballast" bs=4096 status=none 2>/dev/null
shift
"$@"
status=$?
rm -f "$0/ballast"
cp -a "$0" "$0.after"
exit $status
"""


@pytest.mark.parametrize("what", ["first start", "renewal", "new keys"])
def test_a_full_disk_is_told_and_nothing_is_lost(store, what):
    options, now = [], None
    if what == "first start":
        store.path.mkdir()
    else:
        store.ensure()
    if what == "renewal":
        now = time.time() + 700 * DAY
    if what == "new keys":
        options = ["--key", "ed25519"]
    shutil.copytree(store.path, f"{store.path}.before")
    done = store.run(*options, now=now, around=["unshare", "-m", "sh", "-c", FULL, str(store.path), "128k"])
    assert done.returncode == 1
    assert re.search(rf"error: certs: {store.path}/\S+: cannot \w+.*No space left on device", done.stderr), done.stderr
    assert "hint: free space" in done.stderr
    after = Store(f"{store.path}.after")
    assert after.contents() == Store(f"{store.path}.before").contents()
    assert after.temporaries() == []
