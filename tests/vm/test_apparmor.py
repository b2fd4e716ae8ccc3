"""A kernel with AppArmor on, and off: what the engine finds where it looks for it."""

from machine import inside

ON = "apparmor=1 security=apparmor"
OFF = "apparmor=0"

LOOK = """
ls /sys/kernel/security >/out/modules
cat /sys/kernel/security/apparmor/profiles >/out/profiles && ls -d /sys/kernel/security/apparmor/features >/out/features
"""


# Two starts in one container, and what lies there before them. OPTIONS are the container's.
def twice(options=""):
    return f"""
        cat /sys/module/apparmor/parameters/enabled >$OUT/parameter
        container {options} sh -c 'ls /sys/kernel/security >/out/before; dockerd-entrypoint.sh && dockerd-entrypoint.sh'
    """


def check_started(seen, enabled):
    assert seen.exit == 0 and len(seen.starts("dockerd")) == 2, seen
    assert seen.out("parameter") == enabled
    assert seen.out("before") == ""
    assert not [warning for warning in seen.warnings() if "security" in warning]


@inside(twice(), look=LOOK, words=ON)
def test_its_interface_is_there_for_the_engine(seen):
    check_started(seen, "Y\n")
    assert "apparmor" in seen.out("modules").split()
    assert seen.out("profiles") == "" and seen.out("features")
    for start in seen.starts("dockerd"):
        [mount] = start.mounts_on("/sys/kernel/security")
        assert mount.type == "securityfs" and {"nosuid", "nodev", "noexec"} <= set(mount.options)


@inside(twice("-e DIND_MOUNTS_SECURITYFS=off"), look=LOOK, words=ON)
def test_it_is_not_there_where_the_settings_forbid_it(seen):
    check_started(seen, "Y\n")
    assert seen.out("modules") == "" and not seen.starts("dockerd")[0].mounts_on("/sys/kernel/security")


@inside(twice(), look=LOOK, words=OFF)
def test_a_kernel_that_has_it_switched_off_is_no_reason_to_complain(seen):
    check_started(seen, "N\n")
    assert "apparmor" not in seen.out("modules").split() and seen.out("profiles") == ""
    assert seen.starts("dockerd")[0].mounts_on("/sys/kernel/security")
