"""What works at which level of privilege. docs/privileges.md shows these results, and is compared with them."""

import os
import pathlib
import re

import pytest

import lab

SECCOMP = lab.TOP / "examples" / "seccomp"
THREE = ("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt",
         f"seccomp={SECCOMP}/rootful.json")
PAGE = (lab.TOP / "docs" / "privileges.md").read_text()
SUBORDINATE = 200000  # where the remapped engine's root lies


def documented(level):
    """The last column of the level's row: names of the battery's checks that fail, or none."""
    row = re.search(rf"^\| {level} \|.*\| ([^|]*) \|$", PAGE, re.M)
    assert row, f"docs/privileges.md has no row '{level}'"
    return re.findall(r"`(\w+)`", row[1])


def check_battery(level, box):
    passed, failed, output = box.battery()
    print(f"\n{level}: {passed} passed, failed: {' '.join(failed) or 'none'}")
    assert failed == documented(level), output
    assert passed + len(failed) >= 40


def test_three_capabilities_and_our_seccomp_profile_are_as_good_as_privileged(engine):
    box = lab.Dind("e2e-three", privileges=THREE)
    check_battery("three capabilities", box)
    assert int(box.dockerd_status()["CapBnd"], 16) == lab.mask(
        "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE "
        "SETFCAP SYS_ADMIN NET_ADMIN SYS_PTRACE")
    # What --privileged would give and this does not: the machine's own devices.
    assert box.exec("sh", "-c", "mknod /disk b 254 0 && head -c 1 /disk", check=False).returncode != 0
    assert "device cgroup refuses it: add --device /dev/fuse" in box.beginning()
    box.remove()


@pytest.fixture
def remapped(engine):
    lab.run([lab.TOP / "tests" / "lab" / "e2e", "remap-up"], timeout=240)
    yield lab.REMAPPED
    lab.run([lab.TOP / "tests" / "lab" / "e2e", "remap-down"])


def give_cgroup(box):
    """What containerd's cgroup_writable does, and this engine can't: the container's group belongs to its root."""
    identifier = lab.inspect(box.name, ".Id", engine=box.engine)
    group = next(pathlib.Path(folder) for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(identifier))
    for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
        os.chown(group / name, SUBORDINATE, SUBORDINATE)


def test_three_capabilities_in_a_user_namespace_make_an_engine_without_any_right_over_the_host(remapped):
    """Kubernetes' hostUsers: false, dockerd's userns-remap."""
    box = lab.Dind("e2e-remapped", privileges=(*THREE, "--security-opt", "systempaths=unconfined"), engine=remapped,
                   before=give_cgroup)
    log = box.beginning()
    assert "securityfs is not mounted: the kernel refuses it inside a user namespace" in log
    assert "cannot be made inside a user namespace" in log
    assert box.exec("cat", "/proc/self/uid_map").stdout.split()[:2] == ["0", str(SUBORDINATE)]
    check_battery("three capabilities in a user namespace", box)
    box.remove()


def test_a_user_namespace_without_a_writable_cgroup_is_told_what_is_missing(remapped):
    name = "e2e-remapped-bare"
    lab.outer("rm", "-f", "-v", name, engine=remapped, check=False)
    lab.outer("run", "-d", "--name", name, *THREE, "--security-opt", "systempaths=unconfined", lab.IMAGE, engine=remapped)
    assert "cgroup_writable" in lab.wait_for_log(name, "/sys/fs/cgroup", engine=remapped)
    lab.outer("rm", "-f", "-v", name, engine=remapped)


def test_without_any_privilege_everything_missing_is_told_at_once(engine):
    done = lab.outer("run", "--rm", lab.IMAGE, check=False)
    assert done.returncode == 77
    for word in ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "--cap-add SYS_ADMIN", "seccomp", "privileged: true"):
        assert word in done.stdout + done.stderr, done.stderr
    assert documented("nothing") == []
