"""cgroup v2 nesting where every controller is there: what the engine finds in /sys/fs/cgroup, and the verdict in the log."""

import pytest
from machine import inside

CONTROLLERS = ["cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma"]


def verdicts(seen, level=None):
    return [line["msg"].removeprefix("cgroup-nesting: ") for line in seen.log(level)
            if line["msg"].startswith("cgroup-nesting: ")]


def check_started(seen):
    assert seen.exit == 0 and seen.starts("dockerd"), seen


def check_nested(seen):
    """Everything is enabled for children, which the kernel allows only when the top is empty; and nothing is complained of."""
    check_started(seen)
    assert seen.out("top") == ""
    assert sorted(seen.out("controllers").split()) == CONTROLLERS
    assert sorted(seen.out("enabled").split()) == CONTROLLERS
    assert all(start.cgroup == "0::/init\n" for start in seen.starts("dockerd"))
    assert not [warning for warning in seen.warnings() if "cgroup" in warning]


# ---- what works ----


@inside()
def test_every_controller_is_enabled_for_children(seen):
    check_nested(seen)
    assert seen.out("init").startswith("1 dockerd-entrypo\n")
    assert len(verdicts(seen)) == 1 and set(verdicts(seen)[0].split(": ")[1].split()) == set(CONTROLLERS)


@inside(look="""
    . /guest/cgroup.sh
    mkdir docker
    give_controllers docker
    for limit in memory.max=8M pids.max=3 cpu.max=10000 cpuset.cpus=1 hugetlb.2MB.max=0 io.weight= misc.max= rdma.max=; do
        group=docker/${limit%%.*} file=${limit%=*} value=${limit#*=}
        mkdir $group
        [ -e $group/$file ] && echo $file >>/out/files
        [ -z "$value" ] || echo $value >$group/$file || echo "$limit: refused" >>/out/refused
    done

    (echo 0 >docker/memory/cgroup.procs; exec dd if=/dev/zero of=/dev/null bs=64M count=1)
    echo $? >/out/memory
    (echo 0 >docker/pids/cgroup.procs; sleep 1 & sleep 1 & sleep 1 & sleep 1 &) 2>/dev/null
    grep max docker/pids/pids.events >/out/pids
    (echo 0 >docker/cpu/cgroup.procs; until grep -q 'nr_throttled [1-9]' docker/cpu/cpu.stat; do :; done)
    grep nr_throttled docker/cpu/cpu.stat >/out/cpu
    (echo 0 >docker/cpuset/cgroup.procs; exec grep Cpus_allowed_list /proc/self/status >/out/cpuset)
""")
def test_limits_of_a_nested_container_hold(seen):
    check_nested(seen)
    assert seen.out("refused") is None, seen.out("refused")
    assert seen.out("files").split() == ["memory.max", "pids.max", "cpu.max", "cpuset.cpus", "hugetlb.2MB.max", "io.weight",
                                         "misc.max", "rdma.max"]
    assert seen.out("memory") == "137\n"  # killed by the kernel, for want of memory
    assert int(seen.out("pids").split()[1]) > 0
    assert int(seen.out("cpu").split()[1]) > 0
    assert seen.out("cpuset").split()[1] == "1"


@pytest.mark.parametrize("nesting", ["auto", "required"])
@inside("container -e DIND_CGROUP_NESTING=$nesting sh -c 'dockerd-entrypoint.sh && dockerd-entrypoint.sh'")
def test_a_second_start_finds_it_done(seen, nesting):
    check_nested(seen)
    assert len(seen.starts("dockerd")) == 2 and len(verdicts(seen, "info")) == 2


@inside("""
    mkdir -p $BOX/init $BOX/docker/old
    container
""")
def test_a_group_that_an_earlier_container_left_is_used(seen):
    check_nested(seen)


@inside("""
    container sh -c '
        for storm in 1 2 3; do
            while :; do (:); done & storms="$storms $!"
        done
        dockerd-entrypoint.sh; status=$?; kill $storms; exit $status'
""")
def test_a_storm_of_forks_is_outlived(seen):
    check_nested(seen)


# As `docker exec` does it: a process of the node enters the container's cgroup, then its namespaces.
@inside("""
    container sh -c 'until [ -e /out/go ]; do usleep 1000; done; exec dockerd-entrypoint.sh' & container=$!
    wait_until [ -s $OUT/pid ]
    for number in $(seq 10); do
        [ ! -e $OUT/exit ] || break
        (echo 0 >$BOX/cgroup.procs && nsenter -t $(cat $OUT/pid) -m -p true && echo $number >>$OUT/entered) || true
        touch $OUT/go
    done
    wait $container
""")
def test_processes_that_the_runtime_brings_in_meanwhile_are_outlived(seen):
    check_nested(seen)
    assert len(seen.out("entered").split()) > 1


@inside("""
    container sh -c 'box -r sleep 50 & dockerd-entrypoint.sh; status=$?; kill $(pidof sleep); exit $status'
""")
def test_a_realtime_process_moves_too(seen):
    check_nested(seen)
    assert " sleep" in seen.out("init")


@inside("""
    container sh -c 'box -z & until grep -qs "^State:.Z" /proc/[0-9]*/status; do usleep 1000; done; dockerd-entrypoint.sh'
""")
def test_a_process_whose_first_thread_has_ended_is_no_obstacle(seen):
    check_started(seen)
    assert sorted(seen.out("enabled").split()) == CONTROLLERS


@inside(look="""
    export OUT=/out/inner SLICE=/sys/fs/cgroup/docker SCENARIO=/out/inner/stub
    mkdir -p $SLICE $SCENARIO
    echo 'cat /sys/fs/cgroup/cgroup.subtree_control >/out/enabled' >$SCENARIO/look
    . /guest/scenario.sh
    give_controllers $SLICE
    container
""")
def test_a_launcher_in_a_container_of_its_engine_finds_the_same(seen):
    check_nested(seen)
    assert seen.out("inner/exit") == "0\n", seen.out("inner/stderr")
    assert sorted(seen.out("inner/enabled").split()) == CONTROLLERS
    assert seen.out("inner/dockerd/cgroup") == "0::/init\n"


# ---- processes of the node in the container's cgroup ----

OUTSIDER = """
mkdir -p $BOX
sleep 50 & outsider=$!
echo $outsider >$BOX/cgroup.procs
"""


@inside(OUTSIDER + "container")
def test_a_process_of_an_outer_pid_namespace_is_told_and_the_engine_starts(seen):
    check_started(seen)
    assert seen.out("top") == "0\n" and seen.out("enabled").strip() == ""
    assert seen.started("dockerd").cgroup == "0::/init\n"
    [warning] = verdicts(seen, "warning")
    for controller in CONTROLLERS:
        assert f"{controller} (Device or resource busy)" in warning
    assert "Processes of an outer pid namespace (1) are in this container's cgroup" in warning


@inside(OUTSIDER + "container -e DIND_CGROUP_NESTING=required")
def test_it_stops_a_start_that_requires_nesting(seen):
    assert seen.exit == 71 and not seen.starts("dockerd"), seen
    assert "cgroup.nesting: required, but not enabled: " in seen.failure()
    assert "outer pid namespace" in seen.failure() and "hint: " in seen.failure()


@inside(OUTSIDER + """
    container &
    wait_until has_members $BOX/init
    sleep 0.1
    kill $outsider
    wait
""")
def test_one_that_leaves_soon_is_waited_for(seen):
    check_nested(seen)


@inside(OUTSIDER + """
    container sh -c 'dockerd-entrypoint.sh; touch /out/first; until [ -e /out/go ]; do usleep 1000; done; dockerd-entrypoint.sh' &
    wait_until [ -e $OUT/first ]
    kill $outsider
    touch $OUT/go
    wait
""")
def test_what_it_kept_the_first_start_from_the_second_one_does(seen):
    assert len(seen.starts("dockerd")) == 2, seen
    assert len(verdicts(seen, "warning")) == 1
    assert sorted(seen.out("enabled").split()) == CONTROLLERS and seen.out("top") == ""


# ---- threaded groups ----

@pytest.mark.parametrize("nesting, status", [("auto", 0), ("required", 71)])
@inside("mkdir -p $BOX/threads; echo threaded >$BOX/threads/cgroup.type; container -e DIND_CGROUP_NESTING=$nesting")
def test_a_group_with_threaded_children_is_told(seen, nesting, status):
    check_told(seen, "domain threaded", status)


# The kernel lets threaded controllers be enabled above processes, and the group is a threaded domain from then on.
@pytest.mark.parametrize("nesting, status", [("auto", 0), ("required", 71)])
@inside("""
    container -e DIND_CGROUP_NESTING=$nesting sh -c 'echo +pids >/sys/fs/cgroup/cgroup.subtree_control; dockerd-entrypoint.sh'
""")
def test_a_group_where_a_process_enabled_a_threaded_controller_is_told(seen, nesting, status):
    check_told(seen, "domain threaded", status)


def check_told(seen, kind, status):
    assert seen.exit == status, seen
    said = seen.failure() if status else verdicts(seen, "warning")[0]
    assert f"is of type '{kind}': a process enabled threaded controllers before us" in said
    assert bool(seen.starts("dockerd")) == (status == 0)


# ---- other views of the tree ----

# Everything outside of the container's own group, with what is enabled there.
TREE = """
tree() {
    find /sys/fs/cgroup -type d ! -path "$BOX" ! -path "$BOX/*" | while read -r group; do
        echo $group: $(cat $group/cgroup.subtree_control)
    done
}
"""


# A privileged Kubernetes pod, or --cgroupns=host: nested containers would escape this container's limits.
@pytest.mark.parametrize("nesting", ["auto", "required"])
@inside(TREE + """
    mkdir -p $BOX
    tree >$OUT/before
    container -v host -e DIND_CGROUP_NESTING=$nesting
    tree >$OUT/after
""")
def test_the_hosts_view_gives_way_to_one_of_its_own(seen, nesting):
    check_nested(seen)
    check_own_mount(seen)
    assert seen.out("before") == seen.out("after")


def check_own_mount(seen):
    """The whole tree is out of reach: it is not even below what is mounted now."""
    for start in seen.starts("dockerd"):
        [mount] = start.mounts_on("/sys/fs/cgroup")
        assert mount.type == "cgroup2" and mount.root == "/"


# The node is a container itself in the second case (kind, an engine in a container): then its top looks like one's own.
@pytest.mark.parametrize("volume", ["/sys/fs/cgroup", "$SLICE"], ids=["of-a-machine", "of-a-container"])
@inside(TREE + """
    mkdir -p $BOX
    tree >$OUT/before
    eval container -v $volume
    tree >$OUT/after
""")
def test_a_volume_with_the_nodes_tree_gives_way_to_one_of_its_own(seen, volume):
    check_nested(seen)
    check_own_mount(seen)
    assert seen.out("before") == seen.out("after")


@inside(TREE + """
    mkdir -p $BOX
    find /sys/fs/cgroup -type d >$OUT/before
    container -v host -e DIND_CGROUP_NAMESPACE=host
    find /sys/fs/cgroup -type d >$OUT/after
    cat $BOX/cgroup.subtree_control >$OUT/own
""")
def test_the_hosts_view_stays_where_the_settings_say_so(seen):
    check_started(seen)
    assert seen.out("before") == seen.out("after") and seen.out("own").strip() == ""
    assert [w for w in seen.warnings() if w.startswith("cgroup nesting is left out: ") and "Kubernetes" in w], seen
    assert seen.started("dockerd").cgroup == "0::/the-hosts-view-stays-where-the-settings-say-so/box\n"


@inside("container -v host -e DIND_CGROUP_NAMESPACE=host -e DIND_CGROUP_NESTING=required")
def test_nesting_that_is_required_where_it_must_not_be_is_refused(seen):
    assert seen.exit == 78 and not seen.starts("dockerd"), seen
    assert "cgroup.nesting: required, but /sys/fs/cgroup shows more than this container's own cgroup" in seen.failure()
    assert "--cgroupns private" in seen.failure()


# No container at all: somebody tries the launcher on the node, or in a chroot of it.
@inside("""
    BOX=/sys/fs/cgroup
    find $BOX -type d >$OUT/before
    container -v host
    find $BOX -type d >$OUT/after
""")
def test_the_machines_root_group_is_left_alone(seen):
    check_started(seen)
    assert seen.out("before") == seen.out("after")
    assert [w for w in seen.warnings() if "in the machine's root cgroup" in w], seen
    assert seen.started("dockerd").cgroup == "0::/\n"


@pytest.mark.parametrize("nesting", ["auto", "required"])
@inside("container -r -e DIND_CGROUP_NESTING=$nesting")
def test_a_read_only_mount_is_made_writable(seen, nesting):
    check_nested(seen)


@inside("""
    container sh -c 'until [ -e /out/go ]; do usleep 1000; done; exec dockerd-entrypoint.sh' &
    wait_until [ -s $OUT/pid ]
    mkdir $SLICE/other
    cat $OUT/pid >$SLICE/other/cgroup.procs
    touch $OUT/go
    wait
    find $BOX -type d >$OUT/groups
""")
def test_a_process_outside_of_its_namespaces_root_touches_nothing(seen):
    check_started(seen)
    assert [w for w in seen.warnings() if "outside of the cgroup that is mounted on /sys/fs/cgroup" in w], seen
    assert seen.started("dockerd").cgroup == "0::/../other\n"
    assert len(seen.out("groups").split()) == 1
