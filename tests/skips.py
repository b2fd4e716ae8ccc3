"""Skips as every test of the project tells them: "SKIP: NAME: REASON". A conftest takes over the hooks it wants."""

import pytest

ONLY_SKIPS = 99


def skip_all(items, why):
    """Every test, where there is a reason."""
    if why:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=why))


def tell(report, name):
    if report.skipped and isinstance(report.longrepr, tuple):
        print(f"\nSKIP: {name}: {report.longrepr[2].removeprefix('Skipped: ')}", flush=True)


def pytest_runtest_logreport(report):
    tell(report, report.nodeid.partition("::")[2])


def pytest_terminal_summary(terminalreporter):
    """A run of nothing but skips is one for ctest, too."""
    stats = terminalreporter.stats
    if not any(stats.get(kind) for kind in ("passed", "failed", "error", "xfailed", "xpassed")):
        terminalreporter._session.exitstatus = ONLY_SKIPS
