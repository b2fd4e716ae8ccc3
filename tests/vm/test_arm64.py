"""The launcher on a kernel for arm64: its entry point, PID 1 and what that may do, certificates, capabilities, dindctl.

Run by tests/lab/check-arm64, which builds the launcher for it.
"""

import json
import re
import shutil
import subprocess
import sys

import pytest
from machine import ARM64, TOP, inside

sys.path.insert(0, str(TOP / "tests" / "e2e"))

import lab  # noqa: E402

pytestmark = pytest.mark.parametrize("suite", [ARM64], indirect=True)

# The engine starts while PID 1 still gives things up.
CONFINED = "until grep -q '^Seccomp:.2' /proc/1/status; do sleep 0.01; done\n"
START = """
    engine_is 'trap "exit 3" TERM; : >/out/ready; while :; do sleep 0.01; done'
    container &
    wait_until [ -e $OUT/ready ]
    wait_until grep -q '^Seccomp:.2' /proc/$(cat $OUT/pid)/status
"""


def status_of(text):
    return dict(line.split(":\t", 1) for line in text.splitlines())


# ---- the engine's end ----


@pytest.mark.parametrize("engine, status", [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)])
@inside('engine_is "$engine"; container')
def test_the_engines_exit_status_is_the_containers(seen, engine, status):
    assert seen.exit == status, seen


@inside(START + "kill -TERM $(cat $OUT/pid); wait", seconds=20)
def test_a_stop_is_forwarded_and_the_engine_ends_in_its_own_way(seen):
    assert seen.exit == 3, seen


# ---- PID 1 ----

look_at_init = inside("container -e DOCKER_TLS_CERTDIR=/certs", name="init", look=CONFINED + """
    cat /proc/1/status >/out/status
    tr '\\0' ' ' </proc/1/cmdline >/out/cmdline
    cat /proc/1/smaps_rollup >/out/memory
    ls /proc/1/fd >/out/descriptors
""")


@look_at_init
def test_the_built_in_init_is_confined_and_keeps_no_privilege(seen):
    status = status_of(seen.out("status"))
    assert seen.out("cmdline").startswith("dockerd-entrypoint: init "), seen
    assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1")
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert seen.out("descriptors").split() == ["0", "1", "2"]


@look_at_init
def test_it_keeps_nothing_of_the_preparation_in_memory(seen):
    memory = {name: int(kilobytes) for name, kilobytes in re.findall(r"^(\w+): +(\d+) kB$", seen.out("memory"), re.M)}
    assert memory["Anonymous"] <= 32, memory
    assert memory["Private_Clean"] + memory["Private_Dirty"] < 256, memory


@inside(START + "kill -STOP $(cat $OUT/pid); kill -CONT $(cat $OUT/pid); kill -TERM $(cat $OUT/pid); wait", seconds=20)
def test_a_stop_and_a_continue_leave_it_in_its_filter(seen):
    assert seen.exit == 3, seen


# Numbers of the kernel's include/uapi/asm-generic/unistd.h. The last call is one of its own: what kills is the filter.
@pytest.mark.parametrize("call, number, status", [
    ("openat", 56, 159), ("execve", 221, 159), ("getpid", 172, 159), ("mmap", 222, 159), ("kill", 129, 3)])
@inside(START + """
    box -k $(cat $OUT/pid) $number
    kill -TERM $(cat $OUT/pid) || true # it may be gone
    wait
""", seconds=20)
def test_any_other_system_call_kills_it(seen, call, number, status):
    assert seen.exit == status, seen


@inside("""
    engine_is '
        i=0
        while [ $i -lt 1000 ]; do (/bin/true &); i=$((i + 1)); done
        tries=0
        # By the shell itself: whatever else counts would be counted. The init and this shell are to be left.
        while set -- /proc/[0-9]*; [ $# -gt 2 ]; do
            tries=$((tries + 1)); [ $tries -lt 500 ] || { cat /proc/[0-9]*/stat; exit 9; }
            sleep 0.02
        done
        echo $i'
    container
""", seconds=120)
def test_a_thousand_orphans_are_reaped(seen):
    assert (seen.exit, seen.stdout) == (0, "1000\n"), seen


# ---- what the engine gets ----


@inside("container -e DIND_CAPABILITIES_PROFILE=strict")
def test_strict_drops_all_but_its_seventeen_capabilities(seen):
    engine = seen.started("dockerd")
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert engine.bits(name) == lab.mask(
            "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD "
            "AUDIT_WRITE SETFCAP SYS_ADMIN NET_ADMIN SYS_PTRACE"), seen
    assert engine.status["NoNewPrivs"] == "0" and engine.status["Seccomp"] == "0"


@inside()
def test_the_engine_finds_every_controller_enabled_and_nothing_is_complained_of(seen):
    assert seen.exit == 0 and seen.out("enabled") == seen.out("controllers") != "", seen
    assert seen.out("top") == "" and not [warning for warning in seen.warnings() if "cgroup" in warning], seen


@inside("container -e DOCKER_TLS_CERTDIR=/certs sh -c 'dockerd-entrypoint.sh; dindctl certs check >/out/check; echo $? >/out/checked'",
        look="cp -r /certs /out/certs")
def test_certificates_are_issued_and_good_to_others(seen):
    assert "--tlsverify" in seen.started("dockerd").argv
    assert seen.out("checked") == "0\n", seen.out("check")
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
        certificate = seen.out_path(f"certs/{name}/cert.pem")
        subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile",
                        seen.out_path(f"certs/{name}/ca.pem"), certificate], check=True)
        public = ["openssl", "x509", "-noout", "-pubkey", "-in", certificate], ["openssl", "pkey", "-pubout", "-in",
                                                                               seen.out_path(f"certs/{name}/key.pem")]
        assert len({subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout for command in public}) == 1


# ---- dindctl ----


@inside("""
    container sh -c '
        dindctl plan >/out/plan; echo $? >/out/plan-status
        dindctl check --json >/out/check; echo $? >/out/check-status
        dindctl seccomp rootful >/out/rootful.json
        dindctl version >/out/version'
""")
def test_dindctl_answers(seen):
    assert seen.out("plan-status") == "0\n" and "capabilities" in seen.out("plan"), seen
    assert seen.out("check-status") == "0\n" and json.loads(seen.out("check")), seen.out("check")
    assert seen.out("version").startswith("dockerd-entrypoint ")
    assert seen.out("rootful.json") == (TOP / "examples/seccomp/rootful.json").read_text()
