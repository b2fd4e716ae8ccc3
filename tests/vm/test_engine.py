"""A real engine, started by the launcher, on a kernel with all of cgroup v2 and with AppArmor on."""

from machine import inside


@inside("""
    container -d &
    until container_exec dindctl health >$OUT/health 2>&1; do
        [ ! -e $OUT/exit ]
        sleep 0.2
    done
    cut -d' ' -f1 /proc/uptime >$OUT/ready
    container_exec docker info -f '{{.CgroupVersion}} {{.CgroupDriver}} {{.MemoryLimit}} {{.PidsLimit}} {{.CPUSet}}' >$OUT/info

    container_exec sh -euc '
        mkdir -p /tmp/tiny/bin
        cp /bin/busybox /tmp/tiny/bin
        ln -s busybox /tmp/tiny/bin/sh
        tar -C /tmp/tiny -c . | docker import - tiny
        docker run -d --name limited --memory 64m --pids-limit 50 --cpus 0.5 --cpuset-cpus 1 tiny busybox sleep 60'
    cd $BOX/docker/*/
    cat memory.max pids.max cpu.max cpuset.cpus >$OUT/limits
    cd /
    container_exec docker exec limited busybox dd if=/dev/zero of=/dev/null bs=200M count=1 || echo $? >$OUT/greedy

    container_exec docker rm -f limited
    find $BOX/docker -mindepth 1 -type d >$OUT/left
    kill -TERM $(cat $OUT/pid)
    wait
""", words="apparmor=1 security=apparmor", needs="disks", seconds=200)
def test_limits_of_nested_containers_hold(seen):
    assert seen.out("info") == "2 cgroupfs true true true\n"
    assert seen.out("limits").splitlines() == ["67108864", "50", "50000 100000", "1"]
    assert seen.out("greedy") == "137\n"  # killed by the kernel, for want of memory
    assert seen.out("left") == ""
    assert seen.exit == 0, seen
