"""Levels of privilege on a real engine, on a kernel with AppArmor on and with every capability there."""

import re
import sys

import pytest
from machine import TOP, inside

sys.path.insert(0, str(TOP / "tests" / "e2e"))

import lab  # noqa: E402

# One kernel: the older one has the same AppArmor, and every engine in here takes its seconds.
pytestmark = pytest.mark.parametrize("suite", ["trixie"], indirect=True)

CONTAINER = ("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD "
             "AUDIT_WRITE SETFCAP")
STRICT = f"{CONTAINER} SYS_ADMIN NET_ADMIN SYS_PTRACE"


def on_node(run, *, name=None, seconds=120):
    return inside(run, words="apparmor=1 security=apparmor", needs="engine", name=name, seconds=seconds)


def bounding_set(status):
    return int(re.search(r"^CapBnd:\s*(\w+)$", status, re.M)[1], 16)


# ---- three capabilities, and what AppArmor adds to that ----

# What AppArmor, capabilities and the cgroup tree can spoil. All of the battery takes emulation four minutes on a machine that
# does nothing else.
BATTERY = "import run bridge publish exec execpriv user device capsys priv limits build stop saveload cleanup"

# The advice of the refused start is what the second one gets.
three = on_node(f"""
    apparmor_profiles >$OUT/profiles
    apparmor_revision >$OUT/revision
    dind --rm $THREE dind >$OUT/refused 2>&1 || echo $? >$OUT/refused-status
    dind --rm $THREE dind dindctl check >$OUT/check 2>&1 || echo $? >$OUT/check-status
    advice=$(sed -n '/^FAIL/,/^[a-z]/s/^ *docker run: *//p' $OUT/check)
    echo "$advice" >$OUT/advice
    dind_up $THREE $advice
    inside '
        cat /status
        dindctl check >/check || echo $?
        docker run --rm tiny cat /proc/self/attr/current' >$OUT/inside
    battery "{BATTERY}" >$OUT/battery || true
    apparmor_revision >$OUT/revision-after
""", name="three-capabilities", seconds=600)


@three
def test_a_start_under_the_profile_of_ordinary_containers_is_refused_with_the_flag_that_lifts_it(seen):
    assert seen.out("refused-status") == "77\n", seen.out("refused")
    assert "docker-default (enforce)" in seen.out("refused")
    assert "--security-opt apparmor=unconfined" in seen.out("refused")
    assert "starting dockerd" not in seen.out("refused") and "Permission denied" not in seen.out("refused")


@three
def test_dindctl_check_names_that_flag_alone(seen):
    assert seen.out("check-status") == "77\n", seen.out("check")
    assert seen.out("advice") == "--security-opt apparmor=unconfined\n", seen.out("check")


@three
def test_three_capabilities_without_apparmors_profile_are_as_good_as_privileged(seen):
    closing = f"battery: {len(BATTERY.split())} passed, 0 failed: none"
    assert seen.out("battery").splitlines()[-1] == closing, seen.out("battery")
    assert bounding_set(seen.out("inside")) == lab.mask(STRICT)
    assert seen.out("inside").splitlines()[-1] == "unconfined"  # apparmor: off


@three
def test_the_nodes_own_profile_stays_as_it_is(seen):
    assert "docker-default (enforce)" in seen.out("profiles").splitlines()
    assert seen.out("revision") and seen.out("revision-after") == seen.out("revision")


# ---- privileged, with everything that strict can meet ----

privileged = on_node("""
    apparmor_revision >$OUT/revision
    echo '{"default-ulimits": {"memlock": {"Name": "memlock", "Soft": -1, "Hard": -1}}}' >$ENGINE/root/daemon.json
    dind_up --privileged -e DIND_APPARMOR=on -e DIND_CAPABILITIES_PROFILE=strict -v /root/daemon.json:/etc/docker/daemon.json
    inside '
        cat /status >&2
        docker run --rm tiny cat /proc/self/attr/current
        docker run --rm --cap-add SYS_ADMIN tiny mount -t tmpfs none /bin || echo refused
        docker run --rm --cap-add SYS_ADMIN --security-opt apparmor=unconfined tiny mount -t tmpfs none /bin && echo mounted
        docker run --rm tiny sh -c "ulimit -l"' >$OUT/inside 2>$OUT/status
    apparmor_revision >$OUT/revision-after
""", name="privileged-with-apparmor")


@privileged
def test_apparmor_on_confines_nested_containers_by_the_profile_that_is_there(seen):
    assert seen.out("inside").splitlines()[:3] == ["docker-default (enforce)", "refused", "mounted"], seen.out("status")
    assert "mounting none on /bin failed: Permission denied" in seen.out("status")
    assert seen.out("revision-after") == seen.out("revision")
    assert not bounding_set(seen.out("status")) & lab.mask("MAC_ADMIN")


@privileged
def test_default_ulimits_keep_sys_resource_beyond_strict(seen):
    assert bounding_set(seen.out("status")) == lab.mask(f"{STRICT} SYS_RESOURCE")
    assert [w for w in seen.warnings() if "SYS_RESOURCE is kept beyond profile strict" in w], seen
    assert seen.out("inside").splitlines()[-1] == "unlimited", seen.out("status")


# ---- a pod's positive oom_score_adj ----

POD = "--oom-score-adj 500 --security-opt apparmor=unconfined"


@on_node(f"""
    dind_up $THREE {POD} --cap-add SYS_RESOURCE -e DIND_CAPABILITIES_PROFILE=strict
    inside 'cat /status; docker run --rm tiny cat /proc/self/oom_score_adj' >$OUT/inside
""")
def test_a_positive_oom_score_is_reset_before_sys_resource_goes(seen):
    assert bounding_set(seen.out("inside")) == lab.mask(STRICT)
    assert seen.out("inside").splitlines()[-1] == "0"
    assert not [w for w in seen.warnings() if "oom_score_adj" in w], seen


@on_node(f"""
    dind_up $THREE {POD}
    inside '
        dindctl check
        docker run --rm --oom-score-adj 500 tiny cat /proc/self/oom_score_adj
        docker run --rm tiny cat /proc/self/oom_score_adj || echo failed' >$OUT/inside 2>$OUT/why
""")
def test_a_positive_oom_score_without_sys_resource_is_warned_of_and_costs_what_the_warning_says(seen):
    assert [w for w in seen.warnings() if "oom_score_adj is 500" in w and "CAP_SYS_RESOURCE is missing" in w], seen
    assert re.search(r"^warn +oom-score +oom_score_adj is 500\b", seen.out("inside"), re.M), seen.out("inside")
    assert seen.out("inside").splitlines()[-2:] == ["500", "failed"], seen.out("why")
    assert "runc create failed" in seen.out("why")
