"""Every requirement of `dindctl check`, taken away in a real container: it fails, its advice is applied to the letter, it passes."""

import dataclasses
import json
import re
import shlex

import pytest

import lab

SECCOMP = lab.TOP / "examples" / "seccomp"
VOLUME = "e2e-advice"
# What stands for something in an advice, and what it is here.
WORDS = {"VOLUME": VOLUME, "FOLDER": "/tmp/another"}

ADMIN, NET, PTRACE = ("--cap-add", "SYS_ADMIN"), ("--cap-add", "NET_ADMIN"), ("--cap-add", "SYS_PTRACE")
OWN_SECCOMP = ("--security-opt", f"seccomp={SECCOMP}/rootful.json")
THREE = (*ADMIN, *NET, *PTRACE, *OWN_SECCOMP)
ORDINARY = ("--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID")
ROOTLESS_SECCOMP = ("--security-opt", f"seccomp={SECCOMP}/rootless.json")
VISIBLE = ("--security-opt", "systempaths=unconfined")
TUN = ("--device", "/dev/net/tun")
ROOTLESS = (*ORDINARY, *ROOTLESS_SECCOMP, *VISIBLE, *TUN)
DATA = "/home/rootless/.local/share/docker"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    flags: tuple  # of docker run, without what the requirement needs
    take: str = ""  # shell, as root in the container, that takes away what flags cannot
    apply: str = "docker_run"  # the place whose advice is applied
    rootless: bool = False

    def __str__(self):
        return f"{'rootless' if self.rootless else 'rootful'}-{self.name}-{self.apply}"


CASES = [
    Case("engine", THREE, 'rm "$(command -v dockerd)"', "image"),
    Case("capabilities", (*ADMIN, *PTRACE, *OWN_SECCOMP)),
    Case("capabilities", (*THREE, "--cap-drop", "CHOWN")),
    Case("sys-ptrace", (*ADMIN, *NET, *OWN_SECCOMP)),
    Case("seccomp", (*ADMIN, *NET, *PTRACE)),
    Case("proc-sys", (*NET, *PTRACE, *OWN_SECCOMP)),
    Case("cgroup-writable", (*NET, *PTRACE, *OWN_SECCOMP)),
    Case("cgroup-view", (*NET, *PTRACE, *OWN_SECCOMP, "--cgroupns", "host")),
    Case("oom-score", (*THREE, "--oom-score-adj", "500")),
    Case("no-new-privs", (*THREE, "--security-opt", "no-new-privileges")),
    Case("engine-version", THREE, 'f=/usr/local/sbin/dockerd; printf "#!/bin/sh\\necho Docker version 20.10.24\\n" >$f; chmod 755 $f',
         "settings"),
    Case("iptables", THREE, 'rm "$(command -v iptables)"', "image"),
    Case("tun", (*THREE, "--cap-drop", "MKNOD")),
    Case("fuse", (*THREE, "--cap-drop", "MKNOD")),
    Case("data-root", THREE, f"grep -q {VOLUME} /proc/self/mountinfo || umount /var/lib/docker"),
    Case("engine", ROOTLESS, 'rm "$(command -v dockerd)"', "image", rootless=True),
    Case("rootlesskit", ROOTLESS, 'rm "$(command -v rootlesskit)"', "image", rootless=True),
    Case("versions", (*ROOTLESS, "-e", "DIND_ROOTLESS_DETACH_NETNS=true"), apply="settings", rootless=True),
    Case("identity", ("--user", "0", "-e", "DIND_MODE=rootless", "--cap-drop", "ALL", *ROOTLESS_SECCOMP, *VISIBLE, *TUN), rootless=True),
    Case("subordinate-ids", ROOTLESS, "echo other:1:1 >/etc/subgid", "image", rootless=True),
    Case("containerd", ROOTLESS, "mkdir -p /run/user/1000/containerd-rootless", rootless=True),
    Case("no-new-privs", (*ROOTLESS, "--security-opt", "no-new-privileges"), rootless=True),
    Case("id-maps", ("--cap-drop", "ALL", *ROOTLESS_SECCOMP, *VISIBLE), rootless=True),
    Case("id-maps", (*ROOTLESS, "--cap-add", "SETFCAP"), 'setcap -r "$(command -v newgidmap)"', "image", rootless=True),
    Case("id-maps", (*ROOTLESS, "--cap-add", "SETFCAP"), 'setcap -r "$(command -v newuidmap)"; chmod u+s "$(command -v newuidmap)"',
         "image", rootless=True),
    Case("seccomp", (*ORDINARY, *VISIBLE, *TUN), rootless=True),
    Case("proc-visible", (*ORDINARY, *ROOTLESS_SECCOMP, *TUN), rootless=True),
    Case("access-rules", (*ROOTLESS, "-e", "DIND_API_ALLOW=192.0.2.7"), rootless=True),
    Case("access-rules", ("--user", "0", "-e", "DIND_MODE=rootless", *ROOTLESS, "-e", "DIND_API_ALLOW=192.0.2.7"), rootless=True),
    Case("tun", (*ORDINARY, *ROOTLESS_SECCOMP, *VISIBLE), apply="docker_run node", rootless=True),
    Case("fuse", ROOTLESS, apply="docker_run node", rootless=True),
    Case("data-flags", (*ROOTLESS, "--tmpfs", DATA), rootless=True),
]

# What a container of this machine cannot be without, or with. Facts that are made up take it away in tests/unit/entrypoint_check.c.
ELSEWHERE = {
    ("rootful", "apparmor"): "needs a kernel with AppArmor",
    ("rootful", "proc-visible"): "needs an outer user namespace",
    ("rootful", "ipv6-nat"): "needs another kernel",
    ("rootful", "clock"): "the machine's clock is everybody's",
    ("rootless", "apparmor"): "needs a kernel with AppArmor",
    ("rootless", "apparmor-userns"): "needs a kernel with AppArmor",
    ("rootless", "user-namespaces"): "the sysctl is the machine's",
    ("rootless", "data-root"): "the image has a volume there, and no right to unmount it",
    ("rootless", "clock"): "the machine's clock is everybody's",
}


@pytest.fixture(scope="module", autouse=True)
def images(engine):
    yield
    lab.outer("volume", "rm", "-f", VOLUME, check=False)


def check(case, flags, shell="", settings=()):
    """All of `dindctl check --json`, by name, in a container with these flags in which root has run that."""
    command = shlex.join(["dindctl", "check", "--json", *settings])
    image = lab.ROOTLESS_IMAGE if case.rootless else lab.IMAGE
    if shell:
        if case.rootless:
            command = f"exec setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/home/rootless {command}"
            flags = (*flags, "--user", "0")
        command = f"{{ {shell}\n}} >&2; {command}"
    done = lab.outer("run", "--rm", *flags, "--entrypoint", "sh", image, "-c", command, check=False)
    assert done.returncode in (0, 77), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["mode"] == ("rootless" if case.rootless else "rootful")
    return {item["name"]: item for item in report["checks"]}


def with_flags(case, flags, advice):
    """docker run's flags with those of the advice behind them, a mount of ours on the same folder replaced."""
    profile = f"{SECCOMP}/{'rootless' if case.rootless else 'rootful'}.json"
    words = [re.sub(r"\b(VOLUME|FOLDER)\b", lambda found: WORDS[found[1]], word).replace("=FILE", f"={profile}")
             for word in shlex.split(advice)]
    if any(word.endswith(f":{DATA}") for word in words):
        flags = tuple(word for word in flags if word not in ("--tmpfs", DATA))
    return (*flags, *words)


def image_shell(case, advice):
    """The advice for the image as commands, or nothing where it is to leave in what the case took out."""
    line = re.fullmatch(r"add the line (\S+) to (\S+)(?: and (\S+))?", advice)
    if line:
        return f"{case.take}; for f in {line[2]} {line[3] or ''}; do echo {line[1]} >>$f; done"
    return f"{case.take}; {advice}" if "setcap " in advice else ""


def check_with_advice(case, remedy):
    flags, shell, settings = case.flags, case.take, ()
    for place in case.apply.split():
        advice = remedy[place]
        if place == "docker_run":
            flags = with_flags(case, flags, advice)
        elif place == "settings":
            settings = ("--set", advice.replace(": ", "="))
        elif place == "image":
            shell = image_shell(case, advice)
        else:  # a module is a matter of the node; a mode is the container's too
            shell = f"{shell}\n{advice.split('; ')[1]}"
    return check(case, flags, shell, settings)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_taken_away_fails_and_passes_with_its_advice(case):
    before = check(case, case.flags, case.take)[case.name]
    assert not before["passed"], before
    after = check_with_advice(case, before["remedy"])[case.name]
    assert after["passed"], (before, after)


@pytest.mark.parametrize("case", [Case("", THREE), Case("", ROOTLESS, rootless=True)], ids=["rootful", "rootless"])
def test_every_requirement_is_taken_away_by_a_case(case):
    mode = "rootless" if case.rootless else "rootful"
    taken = {other.name for other in CASES if other.rootless == case.rootless} | {name for where, name in ELSEWHERE if where == mode}
    assert set(check(case, case.flags)) == taken


def test_everything_that_a_refused_start_advises_makes_it_start(tmp_path):
    """From nothing to a running engine, by the words of the error alone."""
    done = lab.outer("run", "--rm", lab.IMAGE, check=False)
    assert done.returncode == 77
    advice = re.search(r"docker run: (.*), or --privileged", done.stderr)[1]
    box = lab.Dind("e2e-advice", privileges=with_flags(Case("", ()), (), advice))
    box.load_tiny_image(tmp_path)
    box.exec("docker", "run", "--rm", "-u", "1000", "tiny", "/bin/busybox", "true")
    box.remove()
