"""cgroup v2 nesting: what the engine finds in /sys/fs/cgroup, and the verdict in the log."""

import subprocess

import pytest
from sandbox import NO_TLS, Host

V2 = Host(cgroup="v2")
pytestmark = pytest.mark.usefixtures("cgroup_v2")

# In the sandbox, into /out: who is at the top, who is in init ("pid comm"), what children may use.
LOOK = """
cd /sys/fs/cgroup
cp cgroup.procs /out/top
for pid in $(cat init/cgroup.procs); do echo "$pid $(cat /proc/$pid/comm)"; done > /out/init
cat cgroup.controllers > /out/controllers; cat cgroup.subtree_control > /out/enabled
"""


def run(sandbox, host=V2, env=None, look=LOOK, **how):
    result = sandbox.run(env={**NO_TLS, "DIND_LOG_LEVEL": "debug", **(env or {})}, host=host, look=look, **how)
    assert result.exit == 0, result
    return result


def verdicts(result, level=None):
    return [line["msg"].removeprefix("cgroup-nesting: ") for line in result.log(level)
            if line["msg"].startswith("cgroup-nesting: ")]


def check_nested(result):
    """Everything that is available is enabled for children, which the kernel allows only when the top is empty."""
    assert result.out("top") == ""
    assert sorted(result.out("enabled").split()) == sorted(result.out("controllers").split()) != [], result


@pytest.fixture
def cgroup(sandbox):
    made = sandbox.new_cgroup()
    yield made
    made.remove()


@pytest.fixture
def outsider(cgroup):
    """A process of the outer pid namespace in the container's cgroup, as nsenter(1) and debuggers leave there."""
    with subprocess.Popen(["sleep", "60"]) as process:
        cgroup.add(process.pid)
        yield process
        process.kill()


# ---- what works ----


def test_processes_move_to_init_and_controllers_are_enabled(sandbox):
    result = run(sandbox)
    check_nested(result)
    assert result.started("dockerd").cgroup.splitlines()[-1] == "0::/init"
    assert "1 dockerd-entrypo" in result.out("init").splitlines()
    assert verdicts(result) == [f"cgroup v2, enabled for nested containers: {' '.join(result.out('controllers').split())}"]
    assert not [w for w in result.warnings() if "cgroup" in w]


@pytest.mark.parametrize("nesting", ["auto", "required"])
def test_a_second_start_finds_it_done(sandbox, nesting):
    result = run(sandbox, env={"DIND_CGROUP_NESTING": nesting}, around='"$@" && "$@"')
    assert len(result.starts("dockerd")) == 2
    check_nested(result)
    assert len(verdicts(result, "info")) == 2 and not [w for w in result.warnings() if "cgroup" in w]


def test_other_processes_of_the_container_move_too(sandbox):
    result = run(sandbox, around='sleep 60 & sleep 60 & "$@"; status=$?; kill %1 %2; exit $status')
    check_nested(result)
    assert sum(line.endswith(" sleep") for line in result.out("init").splitlines()) == 2


def test_a_zombie_is_no_obstacle(sandbox):
    result = run(sandbox, around="""
        python3 -c 'import os, time; os.fork() or os._exit(0); time.sleep(60)' &
        until grep -qs 'State:.Z' /proc/[0-9]*/status; do sleep 0.01; done
        "$@"; status=$?; kill $!; exit $status""")
    check_nested(result)


def test_a_storm_of_forks_is_outlived(sandbox):
    """Health checks and `docker exec` fork into the cgroup while it is being emptied."""
    result = run(sandbox, around="""
        for storm in 1 2 3; do
            python3 -c '
import os
while True:
    if os.fork() == 0:
        os._exit(0)
    os.wait()' & pids="$pids $!"
        done
        "$@"; status=$?; kill $pids; exit $status""")
    check_nested(result)


def test_off_leaves_the_cgroup_alone(sandbox):
    result = run(sandbox, env={"DIND_CGROUP_NESTING": "off"}, look="ls /sys/fs/cgroup > /out/names")
    assert "init" not in result.out("names").split()
    assert result.started("dockerd").cgroup.splitlines()[-1] == "0::/"
    assert verdicts(result) == []


def test_children_can_be_limited_afterwards(sandbox):
    """What all of this is for: a cgroup beside init has the controllers' files."""
    result = run(sandbox, look=LOOK + """
        mkdir docker docker/one; cat docker/cgroup.controllers > /out/inner; ls docker > /out/files
        for controller in $(cat docker/cgroup.controllers); do echo +$controller > docker/cgroup.subtree_control || exit; done
        sleep 60 & echo $! > docker/one/cgroup.procs && cat docker/one/cgroup.procs > /out/member; kill $!; wait
        until rmdir docker/one docker; do sleep 0.01; done""")
    assert sorted(result.out("inner").split()) == sorted(result.out("controllers").split())
    assert result.out("member").strip().isdigit()


# ---- what does not, and how it is told ----


def test_a_process_of_an_outer_pid_namespace_is_told_and_the_engine_starts(sandbox, cgroup, outsider):
    result = run(sandbox, cgroup=cgroup)
    assert result.out("top") == "0\n"
    assert "1 dockerd-entrypo" in result.out("init").splitlines()
    warnings = verdicts(result, "warning")
    assert len(warnings) == 1, result
    for controller in result.out("controllers").split():
        assert f"{controller} (Device or resource busy)" in warnings[0]
    assert "Processes of an outer pid namespace (1) are in this container's cgroup" in warnings[0]


def test_it_stops_a_start_that_requires_nesting(sandbox, cgroup, outsider):
    result = sandbox.run(env={**NO_TLS, "DIND_CGROUP_NESTING": "required"}, host=V2, cgroup=cgroup)
    assert result.exit == 71, result
    assert not result.starts("dockerd")
    assert "cgroup.nesting: required, but not enabled: " in result.failure()
    assert "outer pid namespace" in result.failure() and "hint: " in result.failure()


def test_an_outer_process_that_leaves_in_time_is_waited_for(sandbox, cgroup):
    """A runtime's own process is there for a moment while the container starts."""
    with subprocess.Popen(["sleep", "60"]) as process:
        cgroup.add(process.pid)
        running = sandbox.start(env=NO_TLS, host=V2, cgroup=cgroup, look=LOOK, around="""
            : > /out/ready; until [ -e /out/go ]; do sleep 0.001; done; exec "$@" """)
        running.wait_for_file("ready")
        process.kill()
        running.out_path("go").touch()
        result = running.wait()
    assert result.exit == 0, result
    check_nested(result)


@pytest.mark.parametrize("nesting, status", [("auto", 0), ("required", 71)])
def test_a_group_with_threaded_children_is_told(sandbox, cgroup, nesting, status):
    (cgroup.path / "threads").mkdir()
    (cgroup.path / "threads/cgroup.type").write_text("threaded")
    result = sandbox.run(env={**NO_TLS, "DIND_CGROUP_NESTING": nesting}, host=V2, cgroup=cgroup)
    assert result.exit == status, result
    said = result.failure() if status else verdicts(result, "warning")[0]
    assert "is of type 'domain threaded': a process enabled threaded controllers before us" in said
    assert bool(result.starts("dockerd")) == (status == 0)


def test_a_threaded_group_is_told(sandbox, cgroup):
    (cgroup.path / "cgroup.type").write_text("threaded")
    result = run(sandbox, cgroup=cgroup, look="")
    assert "is of type 'threaded'" in verdicts(result, "warning")[0]
    assert result.started("dockerd")


def test_a_group_named_init_that_is_there_is_used(sandbox, cgroup):
    (cgroup.path / "init").mkdir()
    result = run(sandbox, cgroup=cgroup)
    check_nested(result)


def test_a_limit_on_the_number_of_groups_is_told(sandbox, cgroup):
    (cgroup.path / "cgroup.max.descendants").write_text("0")
    result = run(sandbox, cgroup=cgroup, look="")
    warning = next(line for line in result.log("warning") if line["msg"].startswith("cgroup-nesting: "))
    assert "/sys/fs/cgroup/init: cannot be made: Resource temporarily unavailable" in warning["msg"]
    assert warning["hint"]


def test_where_the_hosts_tree_is_in_view_a_namespace_of_our_own_is_entered(sandbox, cgroup):
    """A privileged Kubernetes pod, or --cgroupns=host: nested containers belong below this container's group."""
    there_before = (cgroup.path.parent / "init").exists()
    result = sandbox.run(env=NO_TLS, host=Host(cgroup="v2-host"), cgroup=cgroup,
                         look="ls /sys/fs/cgroup > /out/names; mkdir /sys/fs/cgroup/nested && rmdir /sys/fs/cgroup/nested && : > /out/ok")
    assert result.exit == 0, result
    started = result.started("dockerd")
    assert started.cgroup.splitlines()[-1] == "0::/init", result
    assert len(started.mounts_on("/sys/fs/cgroup")) == 1
    names = result.out("names").split()
    assert "init" in names and "cgroup.type" in names
    assert not [name for name in names if name.startswith("dind-system-")], "the host's tree is out of sight"
    assert result.out("ok") is not None
    assert (cgroup.path / "init").is_dir()
    assert (cgroup.path.parent / "init").exists() == there_before, "nothing is made beside it"


def test_the_hosts_view_is_left_alone_where_that_is_asked_for(sandbox, cgroup_mount):
    before = {path.name for path in cgroup_mount.iterdir() if path.is_dir()}
    result = sandbox.run(env={**NO_TLS, "DIND_CGROUP_NAMESPACE": "host"}, host=Host(cgroup="v2-host"),
                         look="ls -d /sys/fs/cgroup/*/ > /out/names")
    assert result.exit == 0, result
    assert [w for w in result.warnings() if w.startswith("cgroup nesting is left out: ") and "Kubernetes" in w], result
    assert verdicts(result) == []
    after = {line.rstrip("/").rsplit("/", 1)[-1] for line in result.out("names").splitlines()}
    assert "init" not in {name for name in after - before if not name.startswith("dind-system-")}
    assert result.started("dockerd").cgroup.splitlines()[-1].startswith("0::/dind-system-")


def test_a_process_outside_of_its_namespaces_root_touches_nothing(sandbox, cgroup):
    """nsenter(1) into a container keeps the cgroup of whoever called it."""
    other = sandbox.new_cgroup()
    running = sandbox.start(env=NO_TLS, host=V2, cgroup=cgroup, around="""
        : > /out/ready; until [ -e /out/go ]; do sleep 0.01; done; exec "$@" """)
    running.wait_for_file("ready")
    other.add(running.pid)
    running.out_path("go").touch()
    result = running.wait()
    other.remove()
    assert result.exit == 0, result
    assert [w for w in result.warnings() if "outside of the cgroup that is mounted on /sys/fs/cgroup" in w], result
    assert result.started("dockerd").cgroup.splitlines()[-1].startswith("0::/../dind-system-")
    assert not (cgroup.path / "init").exists()


@pytest.mark.parametrize("host, part", [
    (Host(cgroup="v2-host"), "shows more than this container's own cgroup"),
    (Host(cgroup="v1"), "is not cgroup v2"),
], ids=["hosts-view", "v1"])
def test_nesting_that_is_required_and_out_of_the_question_is_refused_before_anything_is_done(sandbox, host, part):
    result = sandbox.run(env={**NO_TLS, "DIND_CGROUP_NESTING": "required", "DIND_CGROUP_NAMESPACE": "host"}, host=host)
    assert result.exit == 78, result
    assert not result.starts("dockerd") and result.changes == {}
    assert "cgroup.nesting: required, but /sys/fs/cgroup" in result.failure() and part in result.failure()
    assert "--cgroupns private" in result.failure()


def test_cgroup_v1_needs_no_word(sandbox):
    result = run(sandbox, Host(cgroup="v1"), look="ls -A /sys/fs/cgroup > /out/names")
    assert result.out("names") == ""
    assert not [line for line in result.log() if "cgroup" in line["msg"]]


def test_a_group_without_controllers_is_told_as_such(sandbox, cgroup):
    """Nothing was delegated: the parent's subtree_control is empty."""
    inner = sandbox.new_cgroup(below=cgroup)
    result = run(sandbox, cgroup=inner, look=LOOK)
    inner.remove()
    assert verdicts(result) == ["cgroup v2, enabled for nested containers: no controller (none is available here)"]
