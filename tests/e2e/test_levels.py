"""What works at which level of privilege: the battery run at each of them, and `dindctl check --matrix` compared with it."""

import os
import pathlib
import shlex

import pytest

import lab
import test_rootless

SECCOMP = lab.TOP / "examples" / "seccomp"
SUBORDINATE = 200000  # where the remapped engine's root lies


@pytest.fixture(scope="module")
def levels(engine):
    return lab.levels()


def flags(level):
    """The flags of docker run that the matrix shows, with the profiles' files where they are here."""
    return [word.replace("seccomp=", f"seccomp={SECCOMP}/") for word in shlex.split(level["docker_run"])]


def check_battery(level, box, **options):
    passed, failed, output = box.battery(**options)
    print(f"\n{level['level']}: {passed} passed, failed: {' '.join(failed) or 'none'}")
    assert level["starts"]
    assert failed == level["fails"], output
    assert passed + len(failed) >= 40


MEASURED = {  # each level of the matrix, and the test that measures it
    "privileged": "test_a_privileged_engine_can_do_everything",
    "privileged, then dropped": "test_an_engine_that_dropped_what_it_does_not_need_can_do_everything",
    "three capabilities": "test_three_capabilities_and_our_seccomp_profile_are_as_good_as_privileged",
    "three capabilities in a user namespace":
        "test_three_capabilities_in_a_user_namespace_make_an_engine_without_any_right_over_the_host",
    "rootless, privileged at the start": test_rootless.BATTERY,
    "rootless, root with two capabilities": test_rootless.BATTERY,
    "rootless, never root": test_rootless.BATTERY,
    "nothing": "test_without_any_privilege_everything_missing_is_told_at_once",
}


def test_every_level_of_the_matrix_is_measured(levels):
    assert list(levels) == list(MEASURED)
    assert [name for name in MEASURED.values() if name not in globals() and not hasattr(test_rootless, name)] == []
    assert [name for name in MEASURED if name.startswith("rootless")] == list(test_rootless.LEVELS)


def check_privileged(levels, profile, level):
    assert profile in levels[level]["more"]
    box = lab.Dind(f"e2e-level-{profile}", {"DIND_CAPABILITIES_PROFILE": profile}, privileges=flags(levels[level]))
    check_battery(levels[level], box)
    box.remove()


def test_a_privileged_engine_can_do_everything(levels):
    check_privileged(levels, "compat", "privileged")


@pytest.mark.parametrize("profile", ["default", "strict"])
def test_an_engine_that_dropped_what_it_does_not_need_can_do_everything(levels, profile):
    check_privileged(levels, profile, "privileged, then dropped")


def test_three_capabilities_and_our_seccomp_profile_are_as_good_as_privileged(levels):
    level = levels["three capabilities"]
    box = lab.Dind("e2e-three", privileges=flags(level))
    check_battery(level, box)
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


def test_three_capabilities_in_a_user_namespace_make_an_engine_without_any_right_over_the_host(levels, remapped):
    """Kubernetes' hostUsers: false, dockerd's userns-remap."""
    level = levels["three capabilities in a user namespace"]
    box = lab.Dind("e2e-remapped", privileges=flags(level), engine=remapped, before=give_cgroup)
    log = box.beginning()
    assert "securityfs is not mounted: the kernel refuses it inside a user namespace" in log
    assert "cannot be made inside a user namespace" in log
    assert box.exec("cat", "/proc/self/uid_map").stdout.split()[:2] == ["0", str(SUBORDINATE)]
    check_battery(level, box)
    box.remove()


def test_a_user_namespace_without_a_writable_cgroup_is_told_what_is_missing(levels, remapped):
    name = "e2e-remapped-bare"
    lab.outer("rm", "-f", "-v", name, engine=remapped, check=False)
    lab.outer("run", "-d", "--name", name, *flags(levels["three capabilities in a user namespace"]), lab.IMAGE,
              engine=remapped)
    assert "cgroup_writable" in lab.wait_for_log(name, "/sys/fs/cgroup", engine=remapped)
    lab.outer("rm", "-f", "-v", name, engine=remapped)


def test_without_any_privilege_everything_missing_is_told_at_once(levels):
    done = lab.outer("run", "--rm", lab.IMAGE, check=False)
    assert done.returncode == 77
    for word in ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "--cap-add SYS_ADMIN", "seccomp=FILE", "privileged: true"):
        assert word in done.stdout + done.stderr, done.stderr
    assert not levels["nothing"]["starts"] and levels["nothing"]["docker_run"] == ""
