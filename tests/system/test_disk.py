"""Read-only and full filesystems: what cannot be written is named, and nothing is left half-written."""

import json

import pytest
from sandbox import NO_TLS, ROOTLESS_SETUP

DAEMON = {**NO_TLS, "DIND_DAEMON": '{"mtu": 1300}'}


def full(folder):
    return f"mkdir -p {folder}; mount -t tmpfs -o size=16k full {folder}; dd if=/dev/zero of={folder}/fill bs=4k 2>&- || :"


def read_only(folder):
    return f"mkdir -p {folder}; mount -t tmpfs -o ro none {folder}"


def then_list(folder):
    """The launcher, and then every file below `folder`."""
    return f'"$@"; status=$?; find {folder} -type f ! -name fill > /out/left; exit $status'


def check_stopped(result, *parts):
    assert result.exit == 71, result
    assert not result.starts("dockerd"), result
    for part in parts:
        assert part in result.failure(), result


# ---- certificates ----


def test_certificates_on_a_read_only_root_are_refused_with_what_to_mount(sandbox):
    """docker run --read-only."""
    result = sandbox.run(setup="mount -o remount,bind,ro /")
    check_stopped(result, "certs: /certs: cannot make the folder: Read-only file system", "hint: mount /certs writable")
    assert result.changes == {}


def test_a_read_only_volume_is_refused(sandbox):
    check_stopped(sandbox.run(setup=read_only("certs")), "certs: /certs/ca", "ead-only file system", "hint: mount ", "writable")


def test_a_read_only_volume_with_complete_certificates_is_enough(sandbox):
    result = sandbox.run(around=""" "$@" && mkdir /copy && mount -t tmpfs none /copy && cp -a /certs/. /copy &&
        mount --bind -o ro /copy /certs && mount -o remount,bind,ro /certs && exec "$@" """)
    assert result.exit == 0, result
    assert len(result.starts("dockerd")) == 2


def test_a_full_disk_stops_the_start_and_leaves_no_file(sandbox):
    result = sandbox.run(setup=full("certs"), around=then_list("/certs"))
    check_stopped(result, "certs: /certs/ca/key.pem: cannot write: No space left on device", "hint: free space")
    assert result.out("left") in ("", "/certs/ca/.lock\n")


def test_a_disk_that_fills_at_any_file_leaves_whole_files_and_the_next_start_mends_it(sandbox):
    """One more inode each time: every file of the store is once the first that does not fit."""
    result = sandbox.run(env={"DIND_LOG_LEVEL": "error"}, around="""
        fits=2
        until mkdir -p /certs; mount -t tmpfs -o nr_inodes=$fits small /certs; "$@"; do
            [ $? -eq 71 ] || exit 1
            find /certs -name '*.tmp' >> /out/temporary
            for file in $(find /certs -name key.pem); do openssl pkey -in $file -noout || exit 2; done
            for file in $(find /certs -name cert.pem -o -name ca.pem); do openssl x509 -in $file -noout || exit 3; done
            mount -o remount,nr_inodes=100 /certs
            "$@" || exit 4
            for side in server client; do
                openssl verify -CAfile /certs/$side/ca.pem /certs/$side/cert.pem > /out/verify || exit 5
                openssl x509 -in /certs/$side/cert.pem -noout -pubkey > /out/in-cert
                openssl pkey -in /certs/$side/key.pem -pubout > /out/in-key
                cmp /out/in-cert /out/in-key || exit 6
            done
            umount /certs
            fits=$((fits + 1))
        done
        echo $fits > /out/fits""")
    assert result.exit == 0, result
    assert result.out("temporary") == ""
    refusals = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(refusals) == int(result.out("fits")) - 2 >= 9
    assert all("No space left on device" in line for line in refusals), result
    for name in ("ca/key", "ca/cert", "server/key", "server/cert", "server/ca", "client/key", "client/cert", "client/ca"):
        assert f"error: certs: /certs/{name}.pem: cannot write" in result.stderr


def test_a_folder_of_somebody_else_is_refused_without_root(sandbox):
    result = sandbox.run(uid=2000, setup=ROOTLESS_SETUP + "mkdir certs")
    check_stopped(result, "certs: /certs/ca", "Permission denied")
    assert not result.starts("rootlesskit")


# ---- the engine's configuration file, and the record of what runs ----


@pytest.mark.parametrize("setup, parts", [
    (full("run"), ["/run/dind/daemon.json: cannot write: No space left on device", "hint: free space"]),
    (read_only("run"), ["/run/dind: cannot be made: Read-only file system", "hint: make /run/dind writable", "--tmpfs"]),
    ("mount -o remount,bind,ro /", ["/run/dind: cannot be made: Read-only file system", "hint: make /run/dind writable"]),
    ("touch run/dind", ["/run/dind: cannot be made: Not a directory", "hint: remove what is in the way"]),
], ids=["full", "read-only", "read-only-root", "file-in-the-way"])
def test_a_configuration_file_that_cannot_be_written_stops_the_start(sandbox, setup, parts):
    result = sandbox.run(env=DAEMON, setup=setup, around=then_list("/run"))
    check_stopped(result, *parts)
    assert "daemon.json" not in result.out("left") and ".tmp" not in result.out("left")


def test_a_full_disk_leaves_the_configuration_file_of_the_last_start_whole(sandbox):
    result = sandbox.run(env=DAEMON, around="""
        mount -t tmpfs -o size=16k small /run
        "$@" || exit 1
        cp /run/dind/daemon.json /out/before
        rm /run/dind/boot.json
        dd if=/dev/zero of=/run/fill bs=4k 2>&-
        DIND_DAEMON='{"mtu": 1400}' "$@"
        status=$?
        cp /run/dind/daemon.json /out/after
        ls -A /run/dind > /out/names
        exit $status""")
    assert result.exit == 71, result
    assert json.loads(result.out("before")) == {"mtu": 1300}
    assert result.out("after") == result.out("before")
    assert result.out("names") == "daemon.json\ninstance.json\n"


@pytest.mark.parametrize("setup, part", [
    (full("run"), "/run/dind/instance.json: cannot write: No space left on device"),
    (read_only("run"), "/run/dind: cannot be made: Read-only file system"),
], ids=["full", "read-only"])
def test_a_record_that_cannot_be_written_is_a_warning_and_leaves_no_file(sandbox, setup, part):
    """The engine runs without it; only `dindctl health` cannot find it."""
    result = sandbox.run(env=NO_TLS, setup=setup, around=then_list("/run"))
    assert result.exit == 0, result
    assert result.started("dockerd")
    warning = next(line for line in result.log("warning") if line["msg"].startswith("record: "))
    assert part in warning["msg"] and warning["hint"]
    assert result.out("left") == ""
