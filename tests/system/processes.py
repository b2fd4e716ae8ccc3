"""Processes as the kernel shows them, by their numbers outside of a scratch root."""

import time
from pathlib import Path

PATIENCE = 20


def status_of(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return _search_children(pid)


def _search_children(pid):
    """Kernels without CONFIG_PROC_CHILDREN."""
    found = []
    for entry in Path("/proc").iterdir():
        status = status_of(entry.name) if entry.name.isdigit() else None
        if status and status["PPid"] == str(pid):
            found.append(int(entry.name))
    return found


def wait_until(done, what):
    end = time.monotonic() + PATIENCE
    while not (found := done()):
        assert time.monotonic() < end, what
        time.sleep(0.001)
    return found


def settled(pid):
    """Gone, ended, stopped, or asleep again without a signal that it still has to act on. What is stopped may have some: a
    child that ends tells it."""
    status = status_of(pid)
    return not status or status["State"][0] in "ZXT" or (
        status["State"][0] == "S" and status["ShdPnd"] == status["SigPnd"] == "0" * 16)


def state(pid):
    status = status_of(pid)
    return "gone" if not status or status["State"][0] in "ZX" else "stopped" if status["State"][0] in "Tt" else "runs"
