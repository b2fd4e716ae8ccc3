"""Virtual machines that run scenarios (tests/lab/vm.sh). One boot runs all of them that ask for the same kernel.

A scenario is shell that runs on a node with cgroup v2 (guest/scenario.sh has its words), and starts the launcher as the first
process of a container. What launcher and scenario left in $OUT comes back as a Seen.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "system"))

import pytest  # noqa: E402
import sandbox  # noqa: E402

# Debian releases whose kernels are booted: 6.1 and 6.12.
SUITES = ("bookworm", "trixie")
ARM64 = "trixie-arm64"
# What runs a machine, and the processor in the header of its programs (elf(5), e_machine).
EMULATORS = {"amd64": ("qemu-system-x86_64", 62), "arm64": ("qemu-system-aarch64", 183)}
# Far more than it takes. A scenario that hangs ends after its own seconds, and the machine goes on with the next one.
BOOT_SECONDS, ENGINE_SECONDS, SECONDS_EACH = 60, 60, 6
KILLED = 137

# What the stub dockerd writes down of its cgroup, in every scenario.
LOOK = """
cd /sys/fs/cgroup
cat cgroup.procs >/out/top
for pid in $(cat init/cgroup.procs); do echo "$pid $(cat /proc/$pid/comm)"; done >/out/init 2>/dev/null
cat cgroup.controllers >/out/controllers
cat cgroup.subtree_control >/out/enabled
"""


@dataclasses.dataclass(frozen=True, order=True)
class Scenario:
    name: str
    run: str
    look: str = LOOK
    seconds: int = 60


def inside(run="container", *, look="", words="", needs="", seconds=60, name=None):
    """The scenario of a test, what its dockerd looks at besides, words for the kernel, what the machine needs ("disks" with a
    Debian root, or "engine": a node with one, guest/engine.sh), and how long it may take. Tests that give it the same name
    share it."""
    return pytest.mark.inside(run=run, look=look, words=words, needs=needs, seconds=seconds, name=name)


class Seen(sandbox.Result):
    """What a scenario left: like the Result of a scratch root."""

    def __init__(self, folder, console):
        self._out = folder
        self._console = console
        self.exit, self.ended = self._number("exit"), self._number("ended")
        self.stdout, self.stderr = self.out("stdout") or "", self.out("stderr") or ""

    def _number(self, name):
        return int(self.out(name) or -1)

    def __repr__(self):
        return (f"<exit {self.exit}>\n--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-8000:]}\n"
                f"--- scenario, status {self.ended}\n{self.out('node')}\n--- console\n{self._console[-2000:]}")


def why_not(suite):
    """What this machine lacks for that virtual machine, or None."""
    architecture = "arm64" if suite == ARM64 else "amd64"
    emulator, processor = EMULATORS[architecture]
    missing = [name for name in (emulator, "busybox", "cpio", "depmod", "xz") if not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)}"
    if "DIND_BINARY" not in os.environ:
        return "needs DIND_BINARY, the launcher to test"
    header = Path(os.environ["DIND_BINARY"]).read_bytes()[:20]
    return None if int.from_bytes(header[18:], "little") == processor else f"needs a launcher for {architecture}"


def boot(suite, words, needs, scenarios, folder):
    """Runs the scenarios in one machine. Returns a Seen for each, by name; its `ended` is -1 if the machine did not get so far."""
    for scenario in scenarios:
        home = folder / "files" / "scenarios" / scenario.name
        home.mkdir(parents=True)
        (home / "run").write_text(textwrap.dedent(scenario.run))
        (home / "look").write_text(textwrap.dedent(scenario.look))
        (home / "seconds").write_text(f"{scenario.seconds}\n")
    seconds = BOOT_SECONDS + SECONDS_EACH * len(scenarios) + max(scenario.seconds for scenario in scenarios)
    if needs == "engine":  # and its scenarios take long, each of them
        seconds = BOOT_SECONDS + ENGINE_SECONDS + sum(scenario.seconds for scenario in scenarios)
    command = [TOP / "tests" / "lab" / "vm", "boot", suite, folder, str(seconds), words, needs]
    ended = subprocess.run(command, check=False).returncode
    assert ended in (0, KILLED), f"{command} failed with status {ended}"
    out = folder / "out"
    out.mkdir()
    # One tar behind the other; the last one is cut off if the machine was killed, and tar says so.
    subprocess.run(["tar", "-C", out, "-xz", "--ignore-zeros", "-f", folder / "results"], check=False)
    console = (folder / "console").read_text(errors="replace") if (folder / "console").exists() else ""
    return {scenario.name: Seen(out / scenario.name, console) for scenario in scenarios}
