"""Tests in virtual machines (machine.py): every test runs its scenario on the kernel of each Debian release in SUITES.

DIND_BINARY   the launcher to test: a static one (ctest sets it, and the two below)
DIND_STUB     tests/system/stub.c, DIND_BOX box.c, built static; otherwise they are compiled here
DIND_BUSYBOX  a static busybox for the processor of the machines; otherwise the one that is installed
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import machine  # noqa: E402
from skips import pytest_runtest_logreport, pytest_terminal_summary, skip_all  # noqa: E402, F401


def pytest_configure(config):
    config.addinivalue_line("markers", "inside(run, look, words, needs, seconds, name): the scenario of a test")


def pytest_collection_modifyitems(items):
    for item in items:
        skip_all([item], machine.why_not(item.callspec.params["suite"]))


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    for name, source in (("DIND_STUB", HERE.parent / "system" / "stub.c"), ("DIND_BOX", HERE / "box.c")):
        if name not in os.environ:
            path = tmp_path_factory.mktemp("programs") / source.stem
            subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-static", "-o", path, source], check=True)
            os.environ[name] = str(path)


def _machine_of(item):
    """Which boot a test belongs to."""
    mark = item.get_closest_marker("inside")
    return mark and (item.callspec.params["suite"], mark.kwargs["words"], mark.kwargs["needs"])


def _scenario_of(item):
    """The other parameters of a test are variables of its scenario."""
    inside = item.get_closest_marker("inside").kwargs
    parameters = {name: value for name, value in item.callspec.params.items() if name != "suite"}
    words = [inside["name"] or item.originalname.removeprefix("test_"), *map(str, parameters.values())]
    name = "-".join(re.findall("[a-z0-9]+", " ".join(words)))
    variables = "".join(f"{key}='{value}'\n" for key, value in parameters.items())
    return machine.Scenario(name, variables + inside["run"], machine.LOOK + inside["look"], inside["seconds"])


@pytest.fixture(scope="session", params=machine.SUITES)
def suite(request):
    return request.param


@pytest.fixture(scope="session")
def booted():
    return {}


@pytest.fixture
def seen(request, suite, programs, booted, tmp_path_factory):
    """What this test's scenario left, having run to its end."""
    wanted, name = _machine_of(request.node), _scenario_of(request.node).name
    if wanted not in booted:
        scenarios = {_scenario_of(item) for item in request.session.items if _machine_of(item) == wanted}
        booted[wanted] = machine.boot(*wanted, sorted(scenarios), tmp_path_factory.mktemp(wanted[0]))
    result = booted[wanted][name]
    assert result.ended == 0, result
    return result


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed and "seen" in getattr(item, "funcargs", {}):
        report.sections.append(("scenario", repr(item.funcargs["seen"])))
