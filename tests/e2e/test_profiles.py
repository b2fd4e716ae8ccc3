"""A real engine under each capability profile: what it is left with, and that everything ordinary still works."""

import errno
import json
import re
import shlex

import pytest

import lab

EVERYTHING = (1 << len(lab.CAPABILITIES)) - 1
KEPT = {
    "compat": EVERYTHING,
    "default": EVERYTHING & ~lab.mask("SYS_MODULE SYS_RAWIO SYS_BOOT SYS_TIME MAC_OVERRIDE MAC_ADMIN WAKE_ALARM "
                                      "BLOCK_SUSPEND AUDIT_READ DAC_READ_SEARCH"),
    "strict": lab.mask("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW "
                       "SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP SYS_ADMIN NET_ADMIN SYS_PTRACE"),
}


@pytest.fixture(scope="module", params=list(KEPT))
def profile(engine, request):
    box = lab.Dind(f"e2e-{request.param}", {"DIND_CAPABILITIES_PROFILE": request.param})
    print(f"\nprofile {request.param}: API ready {box.ready_after:.1f} s after docker run")
    yield request.param, box
    box.remove()


@pytest.fixture(scope="module")
def outside(engine):
    """The bounding set that a privileged container of this machine gets at all."""
    text = lab.outer("run", "--rm", "--privileged", "--entrypoint", "cat", lab.IMAGE, "/proc/self/status").stdout
    return int(re.search(r"^CapBnd:\s*([0-9a-f]+)", text, re.M).group(1), 16)


def test_dockerd_has_exactly_the_capabilities_of_its_profile(profile, outside):
    name, box = profile
    status = box.dockerd_status()
    want = KEPT[name] & outside
    got = {field: int(status[field], 16) for field in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")}
    print(f"profile {name}: CapBnd {got['CapBnd']:x} of {outside:x}")
    assert got["CapBnd"] == want
    assert got["CapPrm"] == want
    assert got["CapEff"] == want
    if name != "compat":
        assert got["CapInh"] == 0
        assert got["CapAmb"] == 0


def test_a_nested_container_gets_no_capability_that_dockerd_lost(profile, outside, tmp_path):
    name, box = profile
    box.load_tiny_image(tmp_path)
    text = box.exec("docker", "run", "--rm", "--privileged", "tiny", "/bin/busybox", "cat", "/proc/self/status").stdout
    assert int(re.search(r"^CapBnd:\s*([0-9a-f]+)", text, re.M).group(1), 16) == KEPT[name] & outside


# System calls newer than Linux 5.0, but for clone3, which has to say ENOSYS for the C library's sake.
NEWER = set("faccessat2 openat2 close_range pidfd_open pidfd_send_signal pidfd_getfd mount_setattr open_tree move_mount fsopen fsmount "
            "fsconfig fspick epoll_pwait2 landlock_create_ruleset landlock_add_rule landlock_restrict_self futex_waitv process_madvise "
            "process_mrelease cachestat fchmodat2 statx".split())


@pytest.mark.parametrize("kind, name", [(lab.Dind, "rootful"), (lab.Rootless, "rootless")], ids=["rootful", "rootless"])
def test_an_engine_comes_up_under_a_filter_that_refuses_what_it_does_not_know(engine, tmp_path, kind, name):
    """Docker before 20.10 and old libseccomps: EPERM, where the kernel would say ENOSYS."""
    profile = json.loads((lab.TOP / "examples" / "seccomp" / f"{name}.json").read_text())
    for rule in profile["syscalls"]:
        rule["names"] = [call for call in rule["names"] if call not in NEWER]
    profile["syscalls"] = [rule for rule in profile["syscalls"] if rule["names"]]
    profile["defaultErrnoRet"] = errno.EPERM
    file = tmp_path / "old.json"
    file.write_text(json.dumps(profile))
    level = lab.levels()["three capabilities" if kind is lab.Dind else "rootless, root with two capabilities"]
    privileges = [word if not word.startswith("seccomp=") else f"seccomp={file}" for word in shlex.split(level["docker_run"])]
    box = kind(f"e2e-old-filter-{name}", privileges=privileges)
    box.load_tiny_image(tmp_path)
    assert box.docker("run", "--rm", "tiny", "/bin/busybox", "echo", "hi").stdout == "hi\n"
    warnings = [warning["from"] for warning in json.loads(box.exec("dindctl", "report", "--json").stdout)["warnings"]]
    assert set(warnings) <= {"plan", "devices"}, box.beginning()
    box.remove()
