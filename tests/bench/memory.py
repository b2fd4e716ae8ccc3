#!/usr/bin/python3
"""What PID 1 costs in memory while the engine runs: beside tini, in the same scratch root.

    tests/bench/memory.py LAUNCHER STUB TINI

private    pages that only this process has, of files too (smaps_rollup): what the page cache holds for it is counted here
anonymous  pages that it has written to, which nothing else can give back
LAUNCHER is the release build: a dynamic one has a loader's pages on top. TINI is tini-static where images have docker-init.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

import sandbox  # noqa: E402

LOOK = "sleep 0.3; cat /proc/1/smaps_rollup > /out/memory"


def kilobytes(result):
    values = {line.split()[0]: int(line.split()[1]) for line in result.out("memory").splitlines()[1:]}
    return {"private": values["Private_Clean:"] + values["Private_Dirty:"], "anonymous": values["Anonymous:"]}


def main():
    launcher, stub, tini = (Path(word).resolve() for word in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as folder:
        box = sandbox.Sandbox(folder, launcher, stub)
        ours = box.run([], {"DOCKER_TLS_CERTDIR": "/certs"}, look=LOOK)
        theirs = box.run([], {}, setup=f"cp {tini} tini", look=LOOK, around="exec /tini -- sh /stub/look")
        print(json.dumps({"unit": "kB", "init": kilobytes(ours), "tini": kilobytes(theirs)}, indent=2))


if __name__ == "__main__":
    main()
