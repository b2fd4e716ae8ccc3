"""Brings the lab up where ctest has not done so, and prints skips as every test of the project does."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import lab  # noqa: E402
import skips  # noqa: E402


@pytest.fixture(scope="session")
def engine():
    """The private engine with our image. Under ctest the fixture e2e.up was here first and this finds it ready."""
    ready = (lab.ENGINE / "docker").exists() and lab.outer("image", "inspect", lab.IMAGE, check=False).returncode == 0
    if not ready:
        lab.run([lab.TOP / "tests" / "lab" / "e2e", "up"], timeout=480)


@pytest.fixture(scope="module")
def dind(engine, request):
    """A container with the settings that the module names: DIND_ENVIRONMENT, DIND_OPTIONS."""
    module = request.module
    box = lab.Dind("e2e-" + module.__name__.removeprefix("test_"), getattr(module, "DIND_ENVIRONMENT", None),
                   getattr(module, "DIND_OPTIONS", ()))
    yield box
    box.remove()


def pytest_runtest_logreport(report):
    module, _, test = report.nodeid.partition("::")
    name = module.removesuffix(".py").rsplit("/", 1)[-1].removeprefix("test_")
    skips.tell(report, f"e2e.{name}.{test}")
