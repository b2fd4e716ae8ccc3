"""The seccomp profiles as a runtime loads them on amd64 and on arm64. (Elsewhere they are used, on this machine's processor.)"""

import json
import socket
from pathlib import Path

import pytest
import seccomp_filter

PROFILES = Path(__file__).resolve().parents[2] / "examples" / "seccomp"
AMD64, ARM64 = "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"

# Calls of these names are on every processor; what the profiles leave out is known by what is not among their names.
LEFT_OUT = ("acct delete_module finit_module init_module io_uring_setup kexec_load mbind open_by_handle_at reboot settimeofday "
            "swapoff swapon userfaultfd").split()
ENGINE = "clone clone3 keyctl mount move_mount open_tree pivot_root setns sethostname umount2 unshare".split()
ROOTFUL = "bpf fsconfig fsmount fsopen mount_setattr perf_event_open".split()

pytestmark = pytest.mark.skipif(not seccomp_filter.library(), reason="needs libseccomp")


@pytest.fixture(scope="module", params=["rootful", "rootless"])
def profile(request):
    return request.param, json.loads((PROFILES / f"{request.param}.json").read_text())


@pytest.fixture(scope="module")
def filters(profile):
    return {architecture: seccomp_filter.Filter(profile[1], architecture) for architecture in (AMD64, ARM64)}


@pytest.mark.parametrize("architecture", [AMD64, ARM64])
def test_every_rule_is_taken_also_of_calls_that_the_processor_lacks(filters, architecture):
    assert filters[architecture].refused == {}


@pytest.mark.parametrize("architecture", [AMD64, ARM64])
def test_the_engines_calls_are_allowed_and_the_nodes_are_not(profile, filters, architecture):
    allowed = {name for name in (*ENGINE, *ROOTFUL, *LEFT_OUT, "openat", "execve") if filters[architecture].allows(name)}
    assert allowed == {*ENGINE, "openat", "execve", *(ROOTFUL if profile[0] == "rootful" else ())}


def test_a_call_that_both_have_is_allowed_on_both_or_on_neither(profile, filters):
    names = {name for rule in profile[1]["syscalls"] for name in rule["names"]} | set(LEFT_OUT)
    common = [name for name in names if all(each.number(name) >= 0 for each in filters.values())]
    assert len(common) > 250
    assert [name for name in common if len({each.allows(name) for each in filters.values()}) > 1] == []


@pytest.mark.parametrize("architecture", [AMD64, ARM64])
def test_the_families_of_sockets_that_reach_beyond_a_container_are_refused(filters, architecture):
    refused = [family for family in range(46) if not filters[architecture].allows("socket", family)]
    assert refused == [socket.AF_ALG, socket.AF_VSOCK]


def test_32_bit_arm_programs_run_on_arm64(filters):
    for name in ("set_tls", "mmap2", "openat", "execve", "_llseek"):
        assert filters[ARM64].allows(name, architecture="SCMP_ARCH_ARM"), name
    assert not filters[ARM64].allows("init_module", architecture="SCMP_ARCH_ARM")
