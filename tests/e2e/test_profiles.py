"""A real engine under each capability profile: what it is left with, and that everything ordinary still works."""

import re

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
