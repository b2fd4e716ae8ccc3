#!/usr/bin/python3
"""How long it takes from the start of the container's first process to dockerd's: before and after.

    tests/bench/start.py LAUNCHER STUB [ROUNDS]

before  the openssl commands that the shell entrypoint runs, with its keys (RSA 4096) and in its order: alone they are a lower
        bound of its time. `first` makes the keys, `again` finds them and issues all certificates anew, as it does at every start.
after   the whole launcher in a scratch root, from its exec to the exec of a stub dockerd: certificates, mounts, pid files, the
        drop of capabilities. `first` on an empty volume, `again` on the same one. Without a cgroup: moving a process there
        costs what the kernel takes for it, whoever asks.

Both run in turn in one go, as root; medians and the ratio are printed. The machine should have nothing else to do.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

import sandbox  # noqa: E402

SERVER = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:box,IP:10.77.0.2\n"
CLIENT = "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"


def openssl(*words, **options):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def leaf(folder, name, extensions):
    part = folder / name
    part.mkdir(exist_ok=True)
    if not (part / "key.pem").exists():
        openssl("genrsa", "-out", part / "key.pem", 4096)
    openssl("req", "-new", "-key", part / "key.pem", "-out", part / "csr.pem", "-subj", f"/CN=docker:dind {name}")
    (part / "openssl.cnf").write_text(extensions)
    openssl("x509", "-req", "-in", part / "csr.pem", "-CA", folder / "ca/cert.pem", "-CAkey", folder / "ca/key.pem",
            "-CAcreateserial", "-out", part / "cert.pem", "-days", 825, "-extfile", part / "openssl.cnf")
    (part / "ca.pem").write_bytes((folder / "ca/cert.pem").read_bytes())
    openssl("verify", "-CAfile", part / "ca.pem", part / "cert.pem")


def before(folder):
    began = time.monotonic_ns()
    authority = folder / "ca"
    authority.mkdir(exist_ok=True)
    if not (authority / "key.pem").exists():
        openssl("genrsa", "-out", authority / "key.pem", 4096)
    openssl("req", "-new", "-key", authority / "key.pem", "-out", authority / "cert.pem", "-subj", "/CN=docker:dind CA",
            "-x509", "-days", 825, "-addext", "keyUsage=critical,digitalSignature,keyCertSign")
    leaf(folder, "server", SERVER)
    leaf(folder, "client", CLIENT)
    return time.monotonic_ns() - began


def after(box):
    """Two starts of one scratch root."""
    clock = "/usr/bin/date +%s%N"
    result = box.run([], {"DOCKER_TLS_CERTDIR": "/certs", "DIND_LOG_LEVEL": "error"},
                     around=f'for n in first again; do {clock} >/out/$n.began; "$@"; mv /out/ended /out/$n.ended; done',
                     look=f"{clock} >/out/ended")
    assert result.exit == 0, result
    return [int(result.out(f"{n}.ended")) - int(result.out(f"{n}.began")) for n in ("first", "again")]


def main():
    launcher, stub = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    times = {"before": {"first": [], "again": []}, "after": {"first": [], "again": []}}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("first", "again"):
                times["before"][kind].append(before(Path(folder)))
            box = sandbox.Sandbox(folder, launcher, stub)
            for _ in range(4):
                for kind, took in zip(("first", "again"), after(box)):
                    times["after"][kind].append(took)
    median = {who: {kind: statistics.median(values) / 1e6 for kind, values in kinds.items()} for who, kinds in times.items()}
    print(json.dumps({**median, "ratio": {kind: round(median["before"][kind] / median["after"][kind])
                                          for kind in ("first", "again")}}, indent=2))


if __name__ == "__main__":
    main()
