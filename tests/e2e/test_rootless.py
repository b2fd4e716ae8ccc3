"""A real rootless engine in each of the three ways in, and what its containers can do to the machine: nothing."""

import json
import os
import re
import shlex
import time

import pytest

import lab

SECCOMP = lab.TOP / "examples" / "seccomp"
BATTERY = "test_the_battery_fails_in_what_the_matrix_says_and_nothing_else"


def open_tun():
    """A node with mode 0666, as udev makes it; the machine's own may be root's alone. The engine sees it as /run/tun."""
    path = lab.ENGINE / "run" / "tun"
    if not path.exists():
        os.mknod(path, 0o020666, os.makedev(10, 200))
        os.chmod(path, 0o666)
    return ("--device", "/run/tun:/dev/net/tun")


# Rows of `dindctl check --matrix`, whose flags are used as they stand there.
LEVELS = {
    "rootless, privileged at the start": "privileged-start",
    "rootless, root with two capabilities": "two-capabilities",
    "rootless, never root": "never-root",
}


def flags(name, level):
    text = level["docker_run"].replace("seccomp=", f"seccomp={SECCOMP}/")
    words = shlex.split(text)
    if name == "rootless, never root":
        at = words.index("--device")
        words[at:at + 2] = open_tun()
    return words


@pytest.fixture(scope="module", params=list(LEVELS), ids=list(LEVELS.values()))
def way(engine, request):
    name = request.param
    level = lab.levels()[name]
    box = lab.Rootless("e2e-rootless-" + LEVELS[name], privileges=flags(name, level))
    print(f"\n{name}: API ready {box.ready_after:.1f} s after docker run")
    yield level, box
    box.remove()


def test_the_battery_fails_in_what_the_matrix_says_and_nothing_else(way):
    level, box = way
    passed, failed, output = box.battery()
    print(f"\n{level['level']}: {passed} passed, failed: {' '.join(failed) or 'none'}")
    assert failed == level["fails"], output
    assert passed + len(failed) >= 40


def test_no_process_holds_a_capability_over_the_machine(way):
    _, box = way
    ours = os.readlink("/proc/self/ns/user")
    names = []
    for pid, status in box.processes():
        if os.readlink(f"/proc/{pid}/ns/user") != ours:
            assert open(f"/proc/{pid}/uid_map").read().split()[:3] == ["0", "1000", "1"]
            continue
        names.append(status["Name"])
        assert status["Uid"].split() == ["1000"] * 4, status
        assert [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")] == [0, 0, 0, 0], status
        assert int(status["CapBnd"], 16) & ~lab.mask("SETUID SETGID") == 0, status
    assert "rootlesskit" in names, names
    assert any("dockerd" == status["Name"] for _, status in box.processes())


ATTEMPTS = """
/bin/busybox --install -s /bin
export PATH=/bin
mkdir /mnt
try() { name=$1; shift; if "$@"; then echo "REACHED $name"; else echo "refused $name"; fi; }
try disk sh -c 'mknod /disk b 254 0 && head -c 1 /disk'
try mount mount -t ext4 /dev/vda /mnt
try module insmod /bin/busybox
try sysctl sh -c 'echo 1 > /proc/sys/kernel/panic'
try reboot sh -c 'echo b > /proc/sysrq-trigger'
try process kill -9 VICTIM
try clock sh -c 'date -s 2001-01-01; test "$(date +%Y)" = 2001'
"""


def test_a_nested_container_with_everything_can_do_nothing_to_the_machine(way, tmp_path):
    level, box = way
    box.load_tiny_image(tmp_path)
    box.outer("exec", "-d", "--user", "0", box.name, "sleep", "86400")
    victim = box.exec("pidof", "sleep").stdout.split()[0]
    # Without a writable /sys there is no nested --privileged at all.
    everything = (("--cap-add", "ALL", "--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined")
                  if "priv" in level["fails"] else ("--privileged",))
    done = box.docker("run", "--rm", *everything, "--pid", "host", "tiny", "/bin/busybox", "sh", "-c",
                      ATTEMPTS.replace("VICTIM", victim))
    assert re.findall(r"refused (\w+)", done.stdout) == "disk mount module sysctl reboot process clock".split(), done
    assert "REACHED" not in done.stdout
    assert victim in box.exec("pidof", "sleep").stdout.split()
    box.outer("exec", "--user", "0", box.name, "kill", victim)


def test_the_api_answers_over_tls_from_outside(way, tmp_path):
    _, box = way
    certificates = box.copy_client_certificates(tmp_path)
    assert "rootless" in lab.over_tls(box.address(), certificates, "info", "-f", "{{.SecurityOptions}}").stdout


def test_the_boot_report_has_what_was_done_inside_rootlesskit(way):
    _, box = way
    report = json.loads(box.outer("exec", "--user", box.user, box.name, "dindctl", "report", "--json").stdout)
    inside = {step["step"]: step["outcome"] for step in report["steps"] if step["phase"] == "inside rootlesskit"}
    assert list(inside) == ["run-links", "run-label", "ca-certificates", "forwarding", "storage-inside"], report
    assert inside["forwarding"] == "done" and inside["run-label"] == "already", report
    assert report["result"] == "started" and report["microseconds"]["rootlesskit"] > 0
    print(f"\nrootlesskit {report['microseconds']['rootlesskit'] // 1000} ms, inside {report['microseconds']['inside'] / 1000} ms")


def test_root_finds_the_engine_whoever_started_it(way):
    """docker exec -u 0, as operators do it; without the capabilities to go everywhere."""
    _, box = way
    as_root = ("exec", "--user", "0", box.name, "dindctl")
    assert box.outer(*as_root, "health").stdout == "ready\n"
    report = box.outer(*as_root, "report").stdout
    assert "mode rootless" in report and "inside rootlesskit" in report and "former" not in report


def test_it_comes_up_again_after_a_kill(way, tmp_path):
    _, box = way
    box.load_tiny_image(tmp_path)
    box.docker("run", "-d", "--name", "kept", "tiny", "/bin/busybox", "sleep", "1000")
    box.outer("kill", box.name)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1)
    box.outer("start", box.name)
    lab.wait_for_log(box.name, "API listen on", 60, since=since)
    assert box.docker("start", "kept").stdout == "kept\n"
    box.docker("rm", "-f", "kept")


def test_without_detach_netns_the_engine_is_in_a_network_of_its_own(engine, tmp_path):
    box = lab.Rootless("e2e-rootless-netns", {"DIND_MODE": "rootless"}, privileges=("--privileged", "--user", "0"))
    box.load_tiny_image(tmp_path)
    addresses = box.docker("run", "--rm", "--network", "host", "tiny", "/bin/busybox", "ip", "addr").stdout
    assert box.address() not in addresses and "10.0.2." in addresses, addresses
    bridge = box.docker("run", "--rm", "tiny", "/bin/busybox", "ip", "addr").stdout
    assert "172.17." in bridge, bridge
    box.remove()


def test_detach_netns_is_refused_with_an_engine_that_does_not_know_it(engine):
    """What the engine of this suite would do: end when it looks for its bridge in the wrong namespace."""
    done = lab.outer("run", "--rm", "--privileged", "--user", "0", "-e", "DIND_MODE=rootless", "-e",
                     "DIND_ROOTLESS_DETACH_NETNS=true", lab.ROOTLESS_IMAGE, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 78, said
    assert re.search(r"rootless\.detach_netns: true .* needs Docker Engine 29\.5 or later, and this is \d+\.\d+", said), said
    assert "Starting up" not in said and "rootlesskit" not in said.split("error: ")[1].lower(), said
