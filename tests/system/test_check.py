"""dindctl check: what is missing here, and what mends it. It changes nothing."""

import json

import kernel
import pytest
from sandbox import NO_TLS, ROOTLESS, Host

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
    assert failed(sandbox) == {}


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


NOSUID = """
mount --bind usr/local/bin usr/local/bin && mount -o remount,bind,nosuid usr/local/bin
mount -o remount,nosuid,nodev home/rootless/.local/share/docker
"""


def test_a_mount_with_nosuid_is_seen_under_newuidmap_and_under_the_data(sandbox):
    how = {**ROOTLESS, "setup": ROOTLESS["setup"] + NOSUID}
    found = failed(sandbox, **how)
    assert "newuidmap is on a mount with nosuid" in found["id-maps"]["finding"]
    assert found["data-flags"]["finding"].endswith("/.local/share/docker is on a mount with nosuid and nodev")
    assert set(found) == {"id-maps", "data-flags", "fuse"}, "each is seen alone"
    assert set(failed(sandbox, **ROOTLESS)) == {"fuse"}


@pytest.mark.parametrize("how", [
    {"host": Host(drop=("SYS_ADMIN", "NET_ADMIN"), proc_sys_read_only=True)},
    {**ROOTLESS, "host": Host(no_new_privs=True)},
    {**ROOTLESS, "setup": ROOTLESS["setup"] + "rm etc/subgid\n" + NOSUID},
], ids=["rootful", "rootless", "rootless-with-the-shells-words"])
def test_a_refused_start_has_the_findings_and_remedies_of_the_check(sandbox, how):
    start = sandbox.run(**how)
    assert start.changes == {} and start.programs_started() == []
    lines = [line for line in start.stderr.splitlines() if line.startswith("  - ")]
    required = {name: item for name, item in failed(sandbox, **how).items() if item["required"]}
    for name, item in required.items():
        said = f"  - {name}: {item['finding']}; {item['why']}"
        assert said in lines or "attempting to run rootless dockerd" in start.stderr, (said, start)
        for place in ("node", "image"):
            assert item["remedy"].get(place, "") in start.stderr
    assert len(lines) == len(required) - ("attempting" in start.stderr)


def test_what_a_start_warns_of_is_what_the_check_warns_of(sandbox):
    host = Host(drop=("SYS_PTRACE",), no_new_privs=True)
    warnings = sandbox.run(env=NO_TLS, host=host).warnings()
    found = failed(sandbox, host=host)
    for name in ("sys-ptrace", "no-new-privs"):
        item = found[name]
        assert not item["required"]
        said = [w for w in warnings if w.startswith(f"{item['finding']}: {item['why']}. docker run: {item['remedy']['docker_run']}")]
        assert len(said) == 1, warnings


def test_data_on_an_overlay_is_told_by_the_nearest_folder_that_is_there(sandbox):
    how = {"setup": "umount var/lib/docker && rmdir var/lib/docker"}
    assert "is on overlayfs" in failed(sandbox, **how)["data-root"]["finding"]
    for arguments in ([], ["--data-root=/data"]):
        told = [w for w in sandbox.run(arguments, NO_TLS, **how).warnings() if "overlayfs" in w]
        assert len(told) == 1 and told[0].startswith("storage: "), told


@pytest.mark.parametrize("root", ["/not-yet", "/not-yet/docker"])
def test_a_folder_for_the_data_that_is_not_there_yet_lies_on_the_overlay_of_the_root(sandbox, root):
    found = failed(sandbox, env={"DIND_ARGS": f"--data-root={root}"})
    assert found["data-root"]["finding"] == f"{root} is on overlayfs"


def test_the_matrix_looks_at_nothing(sandbox):
    levels = json.loads(check(sandbox, "--matrix", "--json", host=Host(drop=("SYS_ADMIN",))).stdout)
    assert [level["level"] for level in levels][-1] == "nothing"
    assert {"privileged", "rootless, never root"} < {level["level"] for level in levels}


def test_people_get_a_line_each_and_the_verdict_last(sandbox):
    result = check(sandbox, host=Host(drop=("SYS_PTRACE",)))
    assert result.exit == 0
    assert "\nwarn  sys-ptrace" in result.stdout
    assert "docker run:      --cap-add SYS_PTRACE" in result.stdout
    assert result.stdout.endswith("nothing that is required is missing\n")
