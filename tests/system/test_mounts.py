"""The mounts that the engine finds: securityfs, /tmp, propagation, mounts.extra."""

from pathlib import Path

import pytest
from sandbox import NO_TLS, Host

SECURITYFS = "/sys/kernel/security"
needs_securityfs = pytest.mark.skipif(not Path(SECURITYFS).is_dir(), reason="this kernel has no securityfs")
SHARED = "mount --make-rshared /"


def run(sandbox, yaml="", args=(), env=None, **how):
    return sandbox.run(args, {**NO_TLS, **(env or {})}, host=Host(config=yaml), **how)


def start(sandbox, yaml="", **how):
    result = run(sandbox, yaml, **how)
    assert result.exit == 0, result
    started = result.starts("dockerd")[-1]
    return result, started


def extra(*entries):
    return "mounts:\n  extra:\n" + "".join(f"    - {{{entry}}}\n" for entry in entries)


def mount_on(started, point):
    found = started.mounts_on(point)
    assert len(found) == 1, f"{point}: {found}"
    return found[0]


def check_stopped(result, *parts):
    assert result.exit == 71, result
    assert not result.starts("dockerd")
    assert "mounts.extra" in result.failure(), result
    for part in parts:
        assert part in result.failure(), result


# ---- securityfs ----


@needs_securityfs
def test_securityfs_is_mounted_where_it_is_missing(sandbox):
    _, started = start(sandbox)
    mount = mount_on(started, SECURITYFS)
    assert mount.type == "securityfs"
    assert {"nosuid", "nodev", "noexec"} <= set(mount.options)


@needs_securityfs
def test_securityfs_that_is_there_is_left_alone(sandbox):
    _, started = start(sandbox, setup="mount -t securityfs none sys/kernel/security")
    assert mount_on(started, SECURITYFS).source == "none"


@needs_securityfs
def test_securityfs_can_be_turned_off(sandbox):
    _, started = start(sandbox, "mounts: {securityfs: off}")
    assert started.mounts_on(SECURITYFS) == []


def test_a_kernel_without_securityfs_is_no_reason_to_warn(sandbox):
    result, started = start(sandbox, setup="mount -t tmpfs none sys/kernel")
    assert started.mounts_on(SECURITYFS) == []
    assert not [w for w in result.warnings() if "securityfs" in w]


def test_securityfs_that_was_asked_for_and_does_not_exist_is_an_error(sandbox):
    result = run(sandbox, "mounts: {securityfs: on}", setup="mount -t tmpfs none sys/kernel")
    assert result.exit == 78, result
    assert "mounts.securityfs: on" in result.stderr and "hint: set mounts.securityfs: auto" in result.stderr


FIRST_MOUNT_FAILS = 'exec strace -f -o /dev/null -e trace=mount -e inject=mount:error=EPERM:when=1 "$@"'


@needs_securityfs
def test_a_refused_securityfs_is_a_warning(sandbox):
    result, started = start(sandbox, around=FIRST_MOUNT_FAILS)
    assert started.mounts_on(SECURITYFS) == []
    warning = next(line for line in result.log("warning") if "securityfs" in line["msg"])
    assert "Operation not permitted" in warning["msg"] and "mounts.securityfs: off" in warning["hint"]


@needs_securityfs
def test_a_refused_securityfs_that_was_asked_for_stops_the_start(sandbox):
    result = run(sandbox, "mounts: {securityfs: on}", around=FIRST_MOUNT_FAILS)
    assert result.exit == 71, result
    assert not result.starts("dockerd")
    assert "securityfs" in result.failure() and "Operation not permitted" in result.failure()


# ---- /tmp ----


def test_tmp_is_left_as_it_is(sandbox):
    _, started = start(sandbox, setup="echo mine > tmp/mine", look="cp /tmp/mine /out")
    assert started.mounts_on("/tmp") == []


def test_tmp_becomes_a_tmpfs_when_asked_for(sandbox):
    result, started = start(sandbox, "mounts: {tmp: tmpfs}", look="""
        stat -c %a /tmp > /out/mode; printf '#!/bin/sh\\necho ran' > /tmp/x; chmod +x /tmp/x; /tmp/x > /out/ran""")
    mount = mount_on(started, "/tmp")
    assert mount.type == "tmpfs" and not {"noexec", "nodev"} & set(mount.options)
    assert (result.out("mode"), result.out("ran")) == ("1777\n", "ran\n")


def test_tmp_that_is_a_mount_already_is_not_covered(sandbox):
    result, started = start(sandbox, "mounts: {tmp: tmpfs}", setup="mount -t tmpfs mine tmp; echo 1 > tmp/mine",
                            look="cp /tmp/mine /out")
    assert mount_on(started, "/tmp").source == "mine"
    assert result.out("mine") == "1\n"


# ---- propagation ----


def tags(started):
    """The kinds of tags that mounts have, over all mounts."""
    return {" ".join(tag.split(":")[0] for tag in mount.tags) for mount in started.mounts}


def test_every_mount_is_shared(sandbox):
    """The extra ones too, although they come first: nested containers may ask for propagation anywhere."""
    _, started = start(sandbox, extra("type: tmpfs, target: /srv/extra") + "  tmp: tmpfs\n")
    assert tags(started) == {"shared"}
    assert started.mounts_on("/srv/extra") and started.mounts_on("/tmp")


@pytest.mark.parametrize("how, found", [("private", ""), ("slave", "master"), ("unchanged", "shared")])
def test_another_propagation_can_be_asked_for(sandbox, how, found):
    """In a copy of a shared mount namespace, so that there is a master."""
    _, started = start(sandbox, f"mounts: {{propagation: {how}, securityfs: off}}", around=f"""
        {SHARED}; exec unshare --mount --propagation unchanged "$@" """)
    assert tags(started) == {found}


def test_unchanged_makes_nothing_shared(sandbox):
    _, started = start(sandbox, "mounts: {propagation: unchanged}")
    assert tags(started) == {""}


# ---- mounts.extra ----


def test_a_folder_is_bound(sandbox):
    result, started = start(sandbox, extra("source: /srv/data, target: /opt/data"),
                            setup="mkdir -p srv/data opt/data; echo 1 > srv/data/mine", look="cp /opt/data/mine /out")
    assert result.out("mine") == "1\n"
    mount = mount_on(started, "/opt/data")
    assert "rw" in mount.options


def test_a_file_is_bound_over_a_file_that_is_there_or_missing(sandbox):
    result, started = start(sandbox, extra("source: /srv/file, target: /etc/there", "source: /srv/file, target: /etc/new/missing"),
                            setup="echo bound > srv/file; echo own > etc/there", look="cp /etc/there /etc/new/missing /out")
    assert (result.out("there"), result.out("missing")) == ("bound\n", "bound\n")
    assert started.mounts_on("/etc/there") and started.mounts_on("/etc/new/missing")


def test_mounts_below_a_bound_folder_come_with_it(sandbox):
    _, started = start(sandbox, extra("source: /srv/data, target: /data"),
                       setup="mkdir -p srv/data/below; mount -t tmpfs deep srv/data/below")
    assert mount_on(started, "/data/below").source == "deep"


def test_a_filesystem_is_mounted_with_its_options(sandbox):
    result, started = start(sandbox, extra("type: tmpfs, target: /srv/new, options: 'size=64k,mode=700,nosuid,noexec,nodev'"),
                            look="stat -c %a /srv/new > /out/mode")
    mount = mount_on(started, "/srv/new")
    assert mount.type == mount.source == "tmpfs"
    assert {"nosuid", "nodev", "noexec"} <= set(mount.options)
    assert "size=64k" in mount.super_options
    assert result.out("mode") == "700\n"


@pytest.mark.parametrize("options, flags", [
    ("ro", {"ro"}), ("ro,nosuid,nodev,noexec", {"ro", "nosuid", "nodev", "noexec"}), ("noexec", {"rw", "noexec"}),
    ("bind,ro", {"ro"}), ("ro,rw", {"rw"}), ("noatime", {"noatime"}), ("defaults", {"rw"}),
])
def test_a_bind_mount_gets_its_options_and_its_source_keeps_its_own(sandbox, options, flags):
    result, started = start(sandbox, extra(f"source: /srv/data, target: /data, options: '{options}'"), setup="mkdir srv/data",
                            look="touch /srv/data/x && echo yes > /out/writable")
    mount = mount_on(started, "/data")
    assert flags <= set(mount.options)
    assert ("ro" in mount.options) == ("ro" in flags)
    assert result.out("writable") == "yes\n"


def test_a_bind_mount_keeps_the_flags_of_its_source(sandbox):
    """A remount for ro must not clear what protects the source."""
    _, started = start(sandbox, extra("source: /srv, target: /data, options: ro"),
                       setup="mount -t tmpfs -o nosuid,nodev,noexec x srv")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(mount_on(started, "/data").options)


def test_entries_are_mounted_in_their_order(sandbox):
    _, started = start(sandbox, extra("type: tmpfs, target: /a, source: outer", "type: tmpfs, target: /a/b, source: inner"))
    assert mount_on(started, "/a").source == "outer"
    assert mount_on(started, "/a/b").source == "inner"


def test_a_second_start_mounts_nothing_again(sandbox):
    """A restarted process in a container that is still there: `docker exec`, a supervisor."""
    yaml = extra("source: /srv/data, target: /data, options: ro", "type: tmpfs, target: /new",
                 "source: /srv/file, target: /etc/there")
    result, _ = start(sandbox, yaml + "  tmp: tmpfs\n", setup="mkdir -p srv/data opt/data; echo 1 > srv/file; echo 2 > etc/there",
                      around='"$@" && echo kept > /new/kept && "$@" && cp /new/kept /out')
    first, second = ([(m.type, m.point, m.options) for m in started.mounts] for started in result.starts("dockerd"))
    assert first == second
    assert result.out("kept") == "kept\n"


def test_certificates_live_on_an_extra_mount(sandbox):
    result = run(sandbox, extra("source: /volume, target: /certs"), env={"DOCKER_TLS_CERTDIR": "/certs"}, setup="mkdir volume")
    assert result.exit == 0, result
    assert "/volume/server/key.pem" in result.changes
    assert "/certs/server" not in result.changes


def test_certificates_that_come_by_an_extra_mount_are_used(sandbox):
    result = run(sandbox, extra("source: /volume, target: /certs"), env={"DOCKER_TLS_CERTDIR": "/certs"}, around="""
        mkdir /volume; DIND_MOUNTS_EXTRA='[]' DIND_TLS_DIR=/volume "$@" && sha256sum /volume/*/*.pem > /out/sums
        "$@" && sha256sum -c /out/sums > /out/verdict""")
    assert result.exit == 0, result
    assert result.out("verdict").count(": OK") == 8


LINKS = {
    "last": ("mkdir -p vol etc/there; ln -s /etc/there vol/link", "/vol/link"),
    "on-the-way": ("mkdir -p vol etc/there/sub; ln -s /etc/there vol/link", "/vol/link/sub"),
    "missing-behind": ("mkdir -p vol etc/there; ln -s /etc/there vol/link", "/vol/link/new/folder"),
    "to-nowhere": ("mkdir vol; ln -s /etc/nowhere vol/link", "/vol/link"),
    "parent": ("mkdir -p vol etc/there; ln -s ../etc/there vol/link", "/vol/link/new"),
}


@pytest.mark.parametrize("source", ["/srv/folder", "/srv/file"])
@pytest.mark.parametrize("setup, target", LINKS.values(), ids=LINKS)
def test_a_link_in_the_target_is_refused_and_nothing_is_made_behind_it(sandbox, setup, target, source):
    """Whoever fills the volume must not choose where root mounts, or makes folders."""
    result = run(sandbox, extra(f"source: {source}, target: {target}"), setup=setup + "; mkdir srv/folder; echo 1 > srv/file")
    check_stopped(result, f"mount: {source} on {target}", "Too many levels of symbolic links", "without symbolic links")
    assert result.changes_beside_record() == {}, result


@pytest.mark.parametrize("entry, cause", [
    ("source: /srv/missing, target: /data", "No such file or directory"),
    ("source: /srv/folder, target: /etc/hostname", "Not a directory"),
    ("source: /srv/file, target: /etc", "Not a directory"),
    ("type: nosuchfs, target: /data", "No such device"),
    ("type: tmpfs, target: /data, options: size=potato", "Invalid argument"),
    ("type: tmpfs, target: /etc/hostname/below", "Not a directory"),
    ("source: /srv/folder, target: /data, options: 'ro,nosiud'", "a bind mount has no option nosiud"),
], ids=["missing-source", "folder-on-file", "file-on-folder", "unknown-type", "bad-option", "below-a-file", "bad-bind-option"])
def test_a_mount_that_fails_stops_the_start_and_names_the_entry(sandbox, entry, cause):
    result = run(sandbox, extra("type: tmpfs, target: /fine", entry), setup="mkdir srv/folder; echo 1 > srv/file")
    target = entry.split("target: ")[1].split(",")[0]
    check_stopped(result, f"on {target} (mounts.extra): {cause}", "hint: ")
    assert '"phase": "mounts"' in result.changes["/run/dind/instance.json"]


def test_a_missing_source_leaves_no_folder_behind(sandbox):
    result = run(sandbox, extra("source: /srv/missing, target: /data"))
    check_stopped(result, "hint: mount a volume at /srv/missing, or correct source")
    assert result.changes_beside_record() == {}, result


def test_mounts_come_from_the_environment_too(sandbox):
    _, started = start(sandbox, env={"DIND_MOUNTS_EXTRA": '[{"type": "tmpfs", "target": "/new", "options": "size=1m"}]'})
    assert mount_on(started, "/new").type == "tmpfs"
