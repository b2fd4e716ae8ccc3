"""Privileges that are missing: told once, fully and before anything was changed, or what that costs."""

import signal

import kernel
import pytest
from sandbox import NO_TLS, ROOTLESS, Host

NEEDED = ("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE "
          "SETFCAP SYS_ADMIN NET_ADMIN").split()
DOCKERS_DEFAULT = tuple(NEEDED[:14])


def check_refusal(result, *named):
    assert result.exit == 77, result
    assert result.started("dockerd") is None
    assert result.changes == {}
    assert result.stdout == ""
    assert result.stderr.startswith("error: "), result
    assert result.stderr.count("error:") == 1
    lines = result.stderr.splitlines()
    assert len(lines) < 25, result
    missing = dict(line[4:].split(": ", 1) for line in lines if line.startswith("  - "))
    assert sorted(missing) == sorted(named), result
    for line in missing.values():
        assert "; " in line
    for place in ("docker run: ", "Compose: ", "Kubernetes: "):
        assert result.stderr.count(place) == 1, result
    for advice in ("--privileged", "privileged: true", "securityContext.privileged: true"):
        assert advice in result.stderr, result
    return missing


def check_missing_capabilities(missing, *names):
    finding = missing["capabilities"].split("; ")[0]
    assert sorted(finding.removeprefix("missing: ").split()) == sorted(f"CAP_{name}" for name in names)


# ---- what a rootful engine cannot do without ----


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_capability_is_named(sandbox, name):
    result = sandbox.run(host=Host(drop=(name,)))
    check_missing_capabilities(check_refusal(result, "capabilities"), name)
    assert f"docker run: --cap-add {name}, or --privileged" in result.stderr


def test_what_a_runtime_made_read_only_is_made_writable(sandbox, cgroup_v2):
    """As in a container with SYS_ADMIN, and without --privileged."""
    result = sandbox.run(env=NO_TLS, host=Host(cgroup="v2", cgroup_read_only=True, sys_read_only=True, proc_sys_read_only=True),
                         look="mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo 1 > /proc/sys/net/ipv4/ip_forward && : > /out/ok")
    assert result.out("ok") is not None, result
    started = result.started("dockerd")
    for point in ("/sys", "/sys/fs/cgroup"):
        (mount,) = started.mounts_on(point)
        assert "rw" in mount.options and {"nosuid", "nodev", "noexec"} <= set(mount.options), mount
    assert not started.mounts_on("/proc/sys")


MASKS = """
mount --bind dev/null proc/interrupts
mount -t tmpfs -o ro none sys/firmware
mount -t tmpfs none proc/fs; mount --bind proc/uptime proc/loadavg
"""


def test_masks_are_unmounted_and_other_mounts_stay(sandbox):
    """A read-only tmpfs and /dev/null over a file hide something; a writable tmpfs and a file over a file (lxcfs) do not."""
    result = sandbox.run(env=NO_TLS, setup=MASKS)
    started = result.started("dockerd")
    assert not started.mounts_on("/proc/interrupts") and not started.mounts_on("/sys/firmware"), result
    assert started.mounts_on("/proc/fs") and started.mounts_on("/proc/loadavg"), result


def test_a_mask_that_is_locked_is_told_and_left(sandbox):
    """Copied from an outer user namespace, it is locked: umount(2) fails with EINVAL."""
    result = sandbox.run(env=NO_TLS, setup=MASKS, host=Host(user_namespace=True))
    assert result.exit == 0, result
    assert result.started("dockerd").mounts_on("/proc/interrupts")
    assert [w for w in result.warnings() if w.startswith("unmask: left in place") and "systempaths=unconfined" in w], result


def test_a_container_without_privileges_hears_everything_at_once(sandbox, cgroup_v2):
    """As `docker run` starts it."""
    host = Host(drop=tuple(name for name in kernel.CAPABILITIES if name not in DOCKERS_DEFAULT), cgroup="v2",
                cgroup_read_only=True, sys_read_only=True, proc_sys_read_only=True)
    missing = check_refusal(sandbox.run(host=host), "capabilities", "cgroup-writable", "proc-sys")
    check_missing_capabilities(missing, "SYS_ADMIN", "NET_ADMIN")


def test_a_container_without_any_capability_hears_everything_at_once(sandbox, cgroup_v2):
    """As `docker run --cap-drop ALL` starts it."""
    host = Host(drop=tuple(kernel.CAPABILITIES), cgroup="v2", cgroup_read_only=True, sys_read_only=True, proc_sys_read_only=True)
    check_missing_capabilities(check_refusal(sandbox.run(host=host), "capabilities", "cgroup-writable", "proc-sys"), *NEEDED)


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json")])
def test_dindctl_plan_refuses_with_the_same_words(sandbox, words):
    host = Host(drop=("SYS_ADMIN",))
    result = sandbox.run(words, program="dindctl", host=host)
    check_missing_capabilities(check_refusal(result, "capabilities"), "SYS_ADMIN")
    assert result.stderr == sandbox.run(host=host).stderr


def test_the_advice_for_machines_is_one_line_of_json(sandbox):
    result = sandbox.run(env={"DIND_LOG_FORMAT": "json"}, host=Host(drop=("SYS_ADMIN",)))
    assert result.exit == 77
    lines = result.json_log()
    assert [line["level"] for line in lines] == ["fatal"]
    assert "CAP_SYS_ADMIN" in lines[0]["msg"]
    assert "--privileged" in lines[0]["hint"]


def test_what_the_process_itself_lacks_is_missing_whatever_the_bounding_set_has(sandbox):
    result = sandbox.run(env=NO_TLS, around='exec setpriv --securebits=+noroot --inh-caps=-all "$@"')
    check_missing_capabilities(check_refusal(result, "capabilities"), *NEEDED)


# ---- what it can do without ----


def test_without_sys_ptrace_the_engine_starts_and_the_cost_is_told(sandbox):
    result = sandbox.run(env=NO_TLS, host=Host(drop=("SYS_PTRACE",)))
    assert result.exit == 0, result
    assert [w for w in result.warnings() if "CAP_SYS_PTRACE is missing" in w and "--cap-add SYS_PTRACE" in w], result
    assert not result.started("dockerd").bits("CapBnd") & kernel.mask("SYS_PTRACE")


def test_a_privileged_container_hears_no_warning(sandbox):
    result = sandbox.run()
    assert result.exit == 0, result
    assert result.log("warning") == []


def test_a_positive_oom_score_is_reset_before_sys_resource_goes(sandbox):
    """As in a Kubernetes pod: nested containers are started with 0, and runc fails where lowering it is not allowed."""
    env = {**NO_TLS, "DIND_CAPABILITIES_PROFILE": "strict"}
    host_has_it = bool(kernel.bounding_set() & kernel.mask("SYS_RESOURCE"))
    result = sandbox.run(env=env, host=Host(oom_score_adj=900))
    started = result.started("dockerd")
    assert not started.bits("CapEff") & kernel.mask("SYS_RESOURCE")
    assert started.oom_score_adj == (0 if host_has_it else 900), result
    told = [w for w in result.warnings() if "oom_score_adj is 900 and CAP_SYS_RESOURCE is missing" in w]
    assert bool(told) != host_has_it, result


def test_a_positive_oom_score_without_sys_resource_is_told_with_its_cost(sandbox):
    env = {**NO_TLS, "DIND_CAPABILITIES_PROFILE": "strict"}
    result = sandbox.run(env=env, host=Host(oom_score_adj=900, drop=("SYS_RESOURCE",)))
    assert result.exit == 0, result
    assert [w for w in result.warnings() if "oom_score_adj is 900 and CAP_SYS_RESOURCE is missing" in w], result
    assert not [w for w in result.warnings() if "SYS_RESOURCE is kept" in w], "it cannot be kept"


def test_an_ordinary_oom_score_lets_the_strict_profile_drop_sys_resource(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_CAPABILITIES_PROFILE": "strict"})
    assert not result.started("dockerd").bits("CapBnd") & kernel.mask("SYS_RESOURCE")
    assert not [w for w in result.warnings() if "SYS_RESOURCE" in w], result


def test_no_new_privs_is_told_and_survives(sandbox):
    result = sandbox.run(env=NO_TLS, host=Host(no_new_privs=True))
    assert result.exit == 0, result
    assert [w for w in result.warnings() if w.startswith("no_new_privs is set")], result
    assert result.started("dockerd").status["NoNewPrivs"] == "1"


def test_a_rootless_engine_is_refused_under_no_new_privs(sandbox):
    """newuidmap could not gain its privilege, and rootlesskit would fail later with less to read."""
    result = sandbox.run(env=NO_TLS, **ROOTLESS, host=Host(no_new_privs=True))
    assert result.exit == 77, result
    assert result.started("rootlesskit") is None
    assert result.changes == {}
    assert "no-new-privileges" in result.stderr and "allowPrivilegeEscalation: true" in result.stderr


# ---- an engine that is too old for less than everything ----


OLD_ENGINE = {"dockerd.version": "Docker version 20.10.24, build 5d6db84"}


def log_of_a_start(sandbox, until, env=None, args=(), **how):
    """The log of a start whose engine stays until that is in it."""
    running = sandbox.start(args, {**NO_TLS, **(env or {})}, dockerd="echo begun >&2; exec sleep 60", **how)
    running.wait_for_log("begun")
    running.wait_for_log(until)
    running.signal(signal.SIGKILL)
    return running.wait()


@pytest.mark.parametrize("init", ["builtin", "docker-init"])
def test_an_old_engine_is_warned_of_beside_the_start(sandbox, init):
    result = log_of_a_start(sandbox, "dockerd is of version 20", {"DIND_INIT": init}, stub=OLD_ENGINE)
    (warning,) = [w for w in result.warnings() if "dockerd is of version 20" in w]
    assert "capabilities.profile: compat" in warning


@pytest.mark.parametrize("env, files", [
    ({"DIND_CAPABILITIES_PROFILE": "compat"}, OLD_ENGINE),
    ({}, {"dockerd.version": "Docker version 23.0.0, build e92dd87"}),
    ({}, {"dockerd.version": "x" * 100}),
])
def test_nothing_is_said_of_an_engine_that_can_do_with_what_it_gets(sandbox, env, files):
    """Nor does anything of the question stay: the init has reaped it."""
    running = sandbox.start((), {**NO_TLS, **env}, stub=files, dockerd="""
        for i in $(seq 200); do set -- /proc/[0-9]*; [ $# -le 2 ] && break; sleep 0.02; done
        cat /proc/[0-9]*/comm > /out/left""")
    result = running.wait()
    assert "version" not in result.stderr, result
    assert sorted(result.out("left").split()) == ["dockerd-entrypo", "sh"], result


# ---- root of a user namespace ----


def test_root_of_a_user_namespace_starts_the_engine(sandbox):
    """docker run --userns-remap, Kubernetes hostUsers: false. The kernel refuses securityfs there, which is no reason to stop."""
    result = sandbox.run(env={"DIND_LOG_LEVEL": "debug"}, host=Host(user_namespace=True))
    assert result.exit == 0, result
    started = result.started("dockerd")
    assert started.env["container"] == "docker"
    assert not started.mounts_on("/sys/kernel/security")
    assert [m for m in started.mounts_on("/") if any(tag.startswith("shared:") for tag in m.tags)]
    assert result.warnings() == [
        "securityfs is not mounted: the kernel refuses it inside a user namespace",
        "/dev/net/tun and /dev/fuse cannot be made inside a user namespace: where nested containers need it, add it with --device"]


def test_the_profile_counts_in_a_user_namespace_too(sandbox):
    """The kernel fills the bounding set of a new user namespace with everything it knows."""
    result = sandbox.run(env={**NO_TLS, "DIND_CAPABILITIES_PROFILE": "strict"}, host=Host(user_namespace=True))
    started = result.started("dockerd")
    assert [hex(started.bits(name)) for name in ("CapBnd", "CapPrm", "CapEff")] == ["0xa82c35fb"] * 3


def test_asked_for_securityfs_in_a_user_namespace_is_an_error_with_its_cause(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_MOUNTS_SECURITYFS": "on"}, host=Host(user_namespace=True))
    assert result.exit not in (0, 120), result
    assert result.started("dockerd") is None
    assert "securityfs" in result.failure() and "mounts.securityfs" in result.failure()
