"""dindctl check: what is missing here, and what mends it. It changes nothing."""

import json

import kernel
import pytest
from sandbox import ROOTLESS, Host

DOCKERS_DEFAULT = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP".split()


def check(sandbox, *words, **how):
    result = sandbox.run(["check", *words], program="dindctl", **how)
    assert result.changes == {}, result
    assert not [name for name in ("dockerd", "iptables", "modprobe", "rootlesskit") if result.starts(name)]
    return result


def failed(sandbox, **how):
    result = check(sandbox, "--json", **how)
    report = json.loads(result.stdout)
    assert (result.exit == 0) == report["passed"], result
    assert result.exit in (0, 77)
    return {item["name"]: item for item in report["checks"] if not item["passed"]}


def test_a_privileged_container_lacks_nothing(sandbox):
    assert set(failed(sandbox)) <= {"data-root"}  # the scratch root is an overlay


def test_a_container_as_docker_run_starts_it_hears_all_of_it(sandbox, cgroup_v2):
    host = Host(drop=tuple(name for name in kernel.CAPABILITIES if name not in DOCKERS_DEFAULT), cgroup="v2",
                cgroup_read_only=True, sys_read_only=True, proc_sys_read_only=True)
    found = failed(sandbox, host=host)
    assert {"capabilities", "sys-ptrace", "proc-sys", "cgroup-writable"} <= set(found)
    for item in found.values():
        assert item["finding"] and item["why"]
        assert item["remedy"]


@pytest.mark.parametrize("name", ["SYS_ADMIN", "NET_ADMIN", "MKNOD"])
def test_the_advice_applied_is_the_advice_gone(sandbox, name):
    found = failed(sandbox, host=Host(drop=(name,)))
    assert name in found["capabilities"]["finding"]
    assert "capabilities" not in failed(sandbox, host=Host())


def test_the_same_container_is_refused_or_started_as_the_check_says(sandbox):
    for host in (Host(), Host(drop=("NET_ADMIN",)), Host(drop=("SYS_PTRACE",))):
        assert sandbox.run(host=host).exit == check(sandbox, host=host).exit


def test_a_rootless_container_is_judged_by_what_rootless_needs(sandbox):
    found = failed(sandbox, **ROOTLESS, host=Host(no_new_privs=True))
    assert "no-new-privs" in found and found["no-new-privs"]["required"]
    assert "capabilities" not in found


def test_people_get_a_line_each_and_the_verdict_last(sandbox):
    result = check(sandbox, host=Host(drop=("SYS_PTRACE",)))
    assert result.exit == 0
    assert "\nwarn  sys-ptrace" in result.stdout
    assert "docker run:      --cap-add SYS_PTRACE" in result.stdout
    assert result.stdout.endswith("nothing that is required is missing\n")
