"""The flags that the launcher gives to rootlesskit, against each rootlesskit that a Debian release has: what its release knows is
taken, and what it does not know is what the launcher refuses beforehand. The command lines are those of the plans of tests/fixtures."""

import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time

import pytest

import lab

KITS = lab.TOP / "build" / "lab" / "rootlesskits"
PLANS = lab.TOP / "tests" / "fixtures" / "plans"
SUITES = ("bookworm", "trixie", "sid")
# As the launcher's own table has it (entrypoint/rootless.c), tested there for what it refuses.
SINCE = {"--detach-netns": (2, 0), "--net=pasta": (2, 0), "--net=gvisor-tap-vsock": (3, 0)}
NOT_KNOWN = re.compile(r"flag provided but not defined|unknown network mode|unknown port driver")
DEFAULT = "rootless-plain"
# What no plan has: one flag of the default in another form.
FORMS = {
    "sandbox": ("--slirp4netns-sandbox=auto", "--slirp4netns-sandbox=false"),
    "seccomp": ("--slirp4netns-seccomp=auto", "--slirp4netns-seccomp=true"),
    "port-driver": ("--port-driver=builtin", "--port-driver=slirp4netns"),
    "ipv6": ("--disable-host-loopback", "--ipv6"),
}
NOBODY = 1999999999  # nobody's id, without subordinate ones: there rootlesskit ends, behind its flags


def command_lines():
    found = {}
    for plan in sorted(PLANS.glob("rootless*.plan")):
        for line in plan.read_text().splitlines():
            words = shlex.split(line) if line.lstrip().startswith("rootlesskit ") else []
            if "dind-rootless-child" in words:
                found[plan.stem] = words[1:words.index("dind-rootless-child") - 1]
    for name, (old, new) in FORMS.items():
        found[name] = [new if word == old else word for word in found[DEFAULT]]
        assert found[name] != found[DEFAULT]
    return found


LINES = command_lines()


@pytest.fixture(scope="session")
def kits():
    if not all((KITS / suite).exists() for suite in SUITES):
        lab.run([lab.TOP / "tests" / "lab" / "e2e", "rootlesskits"], timeout=300)


@pytest.fixture(params=SUITES)
def kit(kits, request):
    program = KITS / request.param / "usr" / "bin" / "rootlesskit"
    if not program.exists():
        pytest.skip(f"the package of Debian {request.param} cannot be had here")
    version = re.fullmatch(r"rootlesskit version (\d+)\.(\d+)\S*\n", lab.run([program, "--version"]).stdout)
    return program, (int(version[1]), int(version[2]))


@pytest.fixture(scope="module")
def drivers():
    """Names of network drivers in PATH: rootlesskit looks for them before it goes on, and starts none without subordinate ids."""
    with tempfile.TemporaryDirectory(prefix="dind-rootlesskit-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for program in ("slirp4netns", "pasta", "vpnkit"):
            (folder / program).write_text("#!/bin/sh\necho --netns-type --enable-sandbox --enable-seccomp --enable-ipv6 --cidr "
                                          "--disable-host-loopback --api-socket\n")
            (folder / program).chmod(0o755)
        (folder / "states").mkdir()
        os.chown(folder / "states", NOBODY, NOBODY)
        yield folder


def answer(program, words, drivers):
    """What rootlesskit's parent ends with. Its child may live on for a while, with the same standard error."""
    with tempfile.TemporaryFile("w+") as said:
        started = subprocess.Popen([program, *words, "true"], stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/",
                                   user=NOBODY, group=NOBODY, extra_groups=[], start_new_session=True,
                                   env={"PATH": f"{drivers}:{os.environ['PATH']}", "HOME": "/", "XDG_RUNTIME_DIR": "/tmp"})
        deadline = time.monotonic() + 30
        text = ""
        while "[rootlesskit:parent] error: " not in text and time.monotonic() < deadline:
            ended = started.poll() is not None
            said.seek(0)
            text = said.read()
            if ended:
                break
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        return text


@pytest.mark.parametrize("name", LINES)
def test_rootlesskit_takes_what_its_release_knows(kit, drivers, name):
    program, version = kit
    state = drivers / "states" / f"{program.parts[-4]}-{name}"
    words = [f"--state-dir={state}" if word.startswith("--state-dir=") else word for word in LINES[name]]
    said = answer(program, words, drivers)
    if any(version < since for flag, since in SINCE.items() if flag in words):
        assert NOT_KNOWN.search(said), said
    elif "--net=vpnkit" in words and "not supported in this Debian package" in said:
        pass  # a known driver, that Debian has left out
    else:
        assert "failed to setup UID/GID map" in said and not NOT_KNOWN.search(said), said


def test_every_kind_of_command_line_is_there():
    flags = {word.split("=")[0] for words in LINES.values() for word in words if word.startswith("-")}
    assert {"--state-dir", "--net", "--mtu", "--slirp4netns-sandbox", "--slirp4netns-seccomp", "--disable-host-loopback", "--ipv6",
            "--port-driver", "--copy-up", "--propagation", "--detach-netns", "-p"} <= flags
    assert {flag for flag in SINCE} <= {word for words in LINES.values() for word in words}
