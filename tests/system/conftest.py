"""System tests: the real binary in a scratch root (sandbox.py). They need root and namespaces, and are skipped without.

DIND_BINARY   the launcher to test (ctest sets it)
DIND_STUB     the stub program, built from stub.c (ctest sets it; otherwise it is compiled here)
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import kernel  # noqa: E402
import sandbox as sandbox_module  # noqa: E402
from skips import pytest_runtest_logreport, pytest_terminal_summary, skip_all  # noqa: E402, F401


def _why_not():
    """What this machine lacks for a scratch root, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("ip"):
        return "needs the program ip (iproute2)"
    if "DIND_BINARY" not in os.environ:
        return "needs DIND_BINARY, the launcher to test"
    child = os.fork()
    if child == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS
                           | kernel.CLONE_NEWIPC | kernel.CLONE_NEWCGROUP)
            os._exit(0)
        except OSError:
            os._exit(1)
    return "needs the right to make namespaces" if os.waitpid(child, 0)[1] else None


def pytest_collection_modifyitems(items):
    skip_all(items, _why_not())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed and "sandbox" in getattr(item, "funcargs", {}):
        for number, result in enumerate(item.funcargs["sandbox"].results, 1):  # pytest shortens them in its own messages
            report.sections.append((f"start {number}", repr(result)))


@pytest.fixture(scope="session")
def launcher():
    return Path(os.environ["DIND_BINARY"]).resolve()


@pytest.fixture(scope="session")
def stub(tmp_path_factory):
    if "DIND_STUB" in os.environ:
        return Path(os.environ["DIND_STUB"])
    path = tmp_path_factory.mktemp("stub") / "stub"
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-static", "-o", path, HERE / "stub.c"], check=True)
    return path


@pytest.fixture(scope="session")
def cgroup_mount():
    """Where the host has cgroup v2 mounted, its controllers given to children; None when it is nowhere."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [sandbox_module.Mount(line) for line in file]
    point = next((Path(m.point) for m in mounts if m.type == "cgroup2" and m.root == "/"), None)
    if point:
        for controller in (point / "cgroup.controllers").read_text().split():
            try:
                (point / "cgroup.subtree_control").write_text("+" + controller)
            except OSError:
                pass  # the host is itself a container: then the tests have fewer controllers to look at
    return point


@functools.cache
def _user_namespaces():
    """Whether this machine lets us make one: not from within chroot(2), and not where a sysctl forbids it."""
    child = os.fork()
    if child == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWUSER)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


class _Sandbox(sandbox_module.Sandbox):
    def start(self, *args, host=sandbox_module.Host(), **how):
        if host.user_namespace and not _user_namespaces():
            pytest.skip("needs the right to make user namespaces")
        return super().start(*args, host=host, **how)


@pytest.fixture
def sandbox(tmp_path_factory, launcher, stub, cgroup_mount):
    """Makes scratch roots; their folders are gone after the test."""
    with tempfile.TemporaryDirectory(prefix="dind-") as folder:
        yield _Sandbox(folder, launcher, stub, cgroup_mount)


@pytest.fixture
def cgroup_v2(cgroup_mount):
    if not cgroup_mount:
        pytest.skip("needs cgroup v2, mounted anywhere")
    if not (cgroup_mount / "cgroup.subtree_control").read_text().split():
        pytest.skip("needs a controller of cgroup v2 that children may have")
