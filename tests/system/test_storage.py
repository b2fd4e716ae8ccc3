"""Where the engine's data lie, and what works there: by trial mounts."""

import json
import os

import pytest
from sandbox import NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

ON_OVERLAY = Host(data_volume=False)
LOOK = "cp /run/dind/daemon.json /out/ 2>/dev/null; find /var/lib/docker /data -xdev 2>/dev/null | sort > /out/data"
WITH_FUSE = "printf '#!/bin/sh\\nexit 0\\n' > usr/local/bin/fuse-overlayfs; chmod 755 usr/local/bin/fuse-overlayfs\n"
NODE = "mknod -m 666 dev/fuse c 10 229\n"


def start(sandbox, args=(), env=None, **how):
    result = sandbox.run(args, {**NO_TLS, **(env or {})}, look=LOOK, **how)
    assert result.exit == 0, result
    return result


def driver(result):
    """What dockerd is told on its command line."""
    return [word for word in result.started("dockerd").argv if word.startswith("--storage-driver")]


def storage_warnings(result):
    return [w for w in result.warnings() if w.startswith("storage: ")]


@pytest.mark.parametrize("choice", ["warn", "fail", "fuse", "vfs"])
def test_where_overlay_works_the_choice_is_the_engines(sandbox, choice):
    result = start(sandbox, env={"DIND_STORAGE_ON_OVERLAY": choice})
    assert driver(result) == [] and storage_warnings(result) == [], result
    assert result.out("data") == "/var/lib/docker\n", "a trial leaves nothing"


def test_overlay_on_overlay_is_told_with_the_remedy(sandbox):
    result = start(sandbox, host=ON_OVERLAY)
    warning, = storage_warnings(result)
    assert "/var/lib/docker is on overlayfs" in warning and "docker run -v NAME:/var/lib/docker" in warning
    assert driver(result) == []
    assert not [path for path in result.changes if "dind-trial" in path], "a trial leaves nothing"


@pytest.mark.parametrize("args, env, setup", [
    (["--data-root=/data"], {}, ""),
    ([], {"DIND_DAEMON": '{"data-root": "/data"}'}, ""),
    ([], {}, "mkdir -p etc/docker; echo '{\"data-root\": \"/data\"}' > etc/docker/daemon.json"),
], ids=["flag", "daemon", "file"])
def test_the_folder_is_the_one_that_the_user_chose(sandbox, args, env, setup):
    result = start(sandbox, args, env, setup=setup)
    warning, = storage_warnings(result)
    assert "/data is on overlayfs" in warning


def test_a_mount_that_comes_before_the_trial_counts(sandbox):
    result = start(sandbox, host=Host(data_volume=False, config="mounts: {extra: [{type: tmpfs, target: /var/lib/docker}]}"))
    assert storage_warnings(result) == [], result


def test_fail_stops_before_the_engine_starts(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_ON_OVERLAY": "fail"}, host=ON_OVERLAY)
    assert result.exit == 78 and not result.starts("dockerd"), result
    assert "/var/lib/docker is on overlayfs" in result.failure() and "hint: mount a volume" in result.failure()


def test_vfs_is_chosen_with_its_price(sandbox):
    result = start(sandbox, env={"DIND_STORAGE_ON_OVERLAY": "vfs"}, host=ON_OVERLAY)
    assert driver(result) == ["--storage-driver=vfs"]
    assert [w for w in storage_warnings(result) if "copies every layer" in w], result


def test_fuse_is_chosen_where_it_works(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_ON_OVERLAY": "fuse"}, host=ON_OVERLAY, setup=WITH_FUSE + NODE)
    if "FUSE" in result.stderr and not os.path.exists("/sys/fs/fuse"):
        pytest.skip("this kernel has no FUSE")
    assert result.exit == 0 and driver(result) == ["--storage-driver=fuse-overlayfs"], result


@pytest.mark.parametrize("setup, cause", [
    ("rm -f usr/bin/fuse-overlayfs", "fuse-overlayfs is not in PATH"),
    (WITH_FUSE.replace("exit 0", "exit 1"), "`fuse-overlayfs --version` fails"),
    (WITH_FUSE + "mknod dev/fuse c 1 3", "FUSE cannot be mounted"),
], ids=["missing", "broken", "no device"])
def test_fuse_that_cannot_be_is_refused_and_not_replaced(sandbox, setup, cause):
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_ON_OVERLAY": "fuse"}, host=ON_OVERLAY, setup=setup)
    assert result.exit == 78 and not result.starts("dockerd"), result
    assert cause in result.failure()


def test_data_of_another_driver_are_not_turned_away_from(sandbox):
    result = start(sandbox, env={"DIND_STORAGE_ON_OVERLAY": "vfs"}, host=ON_OVERLAY, setup="mkdir -p var/lib/docker/overlay2/l")
    assert driver(result) == []
    assert [w for w in storage_warnings(result) if "has data of the storage driver overlay2" in w], result


# ---- a driver that was named ----


def test_a_driver_that_was_named_reaches_the_engine(sandbox):
    result = start(sandbox, env={"DIND_STORAGE_DRIVER": "overlay2"})
    assert json.loads(result.out("daemon.json")) == {"storage-driver": "overlay2"}


def test_a_driver_that_cannot_work_is_refused(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_DRIVER": "overlay2"}, host=ON_OVERLAY)
    assert result.exit == 78 and not result.starts("dockerd"), result
    assert "storage.driver: overlay2 (environment variable DIND_STORAGE_DRIVER)" in result.failure()
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_DRIVER": "btrfs"})
    assert result.exit == 78 and "not on btrfs" in result.failure()


@pytest.mark.parametrize("args, env", [(["--storage-driver=overlay2"], {}), ([], {"DOCKER_DRIVER": "overlay2"})],
                         ids=["flag", "DOCKER_DRIVER"])
def test_dockerds_own_ways_to_name_one_stay_dockerds(sandbox, args, env):
    result = start(sandbox, args, env, host=ON_OVERLAY)
    assert driver(result) == args and result.started("dockerd").env.get("DOCKER_DRIVER") == env.get("DOCKER_DRIVER")
    assert [w for w in storage_warnings(result) if "overlay2 will not work" in w], result


def test_the_new_name_beats_docker_driver_for_the_engine_too(sandbox):
    result = start(sandbox, env={"DIND_STORAGE_DRIVER": "vfs", "DOCKER_DRIVER": "overlay2"})
    assert json.loads(result.out("daemon.json")) == {"storage-driver": "vfs"}
    assert "DOCKER_DRIVER" not in result.started("dockerd").env


def test_key_and_flag_together_are_refused(sandbox):
    result = sandbox.run(["--storage-driver=vfs"], {**NO_TLS, "DIND_STORAGE_DRIVER": "overlay2"})
    assert result.exit == 78 and "is set there and by the flag --storage-driver" in result.failure(), result


# ---- what a trial leaves ----


def test_a_trial_is_seen_by_nobody_else(sandbox):
    """Not even where / is shared: its mounts never appear outside of the child that makes them."""
    result = start(sandbox, env={"DIND_STORAGE_ON_OVERLAY": "fail"})
    assert not [m for m in result.started("dockerd").mounts if "dind-trial" in m.point]


def test_what_a_killed_trial_left_goes_with_the_next(sandbox):
    setup = """mkdir -p /var/lib/docker/.dind-trial/work/work /var/lib/docker/.dind-trial/upper/written
        echo 1 > /var/lib/docker/.dind-trial/work/work/file; ln -s /etc /var/lib/docker/.dind-trial/link
        chmod 000 /var/lib/docker/.dind-trial/work/work"""
    result = start(sandbox, setup=setup)
    assert storage_warnings(result) == [] and result.out("data") == "/var/lib/docker\n", result


@pytest.mark.parametrize("call, when, left", [("mkdirat", 3, ".dind-trial\n"), ("wait4", 1, ".dind-trial\n"),
                                              ("unlinkat", 3, ".dind-trial\n"), ("umount2", 1, "")])
def test_a_trial_that_is_killed_leaves_no_mount_and_can_be_repeated(sandbox, call, when, left):
    """The last one hits the child with its overlay mounted; the others the launcher itself."""
    around = (f'strace -f -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={when} "$@"; '
              'ls -A /var/lib/docker > /out/left; grep -c dind-trial /proc/self/mountinfo > /out/mounts; exec "$@"')
    result = start(sandbox, around=around, env={"DIND_STORAGE_ON_OVERLAY": "fail"})
    assert result.out("left") == left and len(result.starts("dockerd")) == 1, result
    assert result.out("mounts") == "0\n" and result.out("data") == "/var/lib/docker\n", result


def test_a_rootless_engine_goes_by_the_facts(sandbox):
    no_volume = {**ROOTLESS, "setup": ROOTLESS_SETUP + "cd home/rootless/.local/share; umount docker; chown 2000 docker"}
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_ON_OVERLAY": "vfs"}, **no_volume)
    assert driver(result) == ["--storage-driver=vfs"], result
    result = sandbox.run(env={**NO_TLS, "DIND_STORAGE_ON_OVERLAY": "fail"}, **no_volume)
    assert result.exit == 78 and not result.starts("rootlesskit"), result
