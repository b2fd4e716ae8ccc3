"""Replays the recorded cases of the shell entrypoint that this program replaces (fixtures/contract.json).

Each case gives inputs and what dockerd, rootlesskit or the command then saw. We differ only where it is meant: every difference is
a function of this file, with its reason.
"""

import copy
import json
import re
from pathlib import Path

import pytest

CASES = json.loads((Path(__file__).parent.parent / "fixtures/contract.json").read_text())
WATCHED = ("container", "DOCKER_HOST", "DOCKER_TLS_CERTDIR", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "HOME",
           "XDG_RUNTIME_DIR")
SECOND_STAGE = ["/usr/local/bin/dockerd-entrypoint", "dind-rootless-child", "info", "text", "-", "-"]
BY_PRODUCTS = ("csr.pem", "openssl.cnf", "cert.srl")


def without_by_products(want):
    """Requests, OpenSSL's configuration and serial numbers stay in memory: they were never part of the contract."""
    for name in ("files", "modes"):
        if name in want["out"]:
            want["out"][name] = "".join(line for line in want["out"][name].splitlines(keepends=True)
                                        if not any(by_product in line for by_product in BY_PRODUCTS))


def without_mounts_notes(want):
    """/run/mount is where mount(8) keeps notes. Mounting is a system call here."""
    if "run" in want["out"]:
        want["out"]["run"] = want["out"]["run"].replace("mount\n", "")


def tls_is_turned_off_by_word(want):
    """Without --tls=false dockerd waits for 15 seconds before it opens a plain TCP port."""
    for program in ("dockerd", "rootlesskit"):
        argv = want.get(program, {}).get("argv", [])
        if "--host=tcp://0.0.0.0:2375" in argv:
            argv.insert(argv.index("--host=tcp://0.0.0.0:2375") + 1, "--tls=false")


def rootlesskit_as_the_engine_starts_it(want):
    """
    Flags, order and defaults of the engine's own dockerd-rootless.sh: a state folder where dockerd looks for it, large
    packets, slirp4netns in its sandbox, pasta's own port driver, which publishes by itself, mounts that come later seen
    inside. And no docker-init, but our own second stage, for what that script does within the namespaces.
    Only --detach-netns stays off: dockerd would listen outside, and -p would have nothing to publish.
    """
    argv = want.get("rootlesskit", {}).get("argv")
    if not argv:
        return
    net = argv[0].removeprefix("--net=")
    mtu = argv[1].removeprefix("--mtu=")
    dockerd = argv.index("docker-init")
    flags_of_the_user_and_publish = argv[6:dockerd]
    want["rootlesskit"]["argv"] = [
        f"--state-dir={want['rootlesskit']['env']['XDG_RUNTIME_DIR']}/dockerd-rootless",
        f"--net={net}",
        f"--mtu={'65520' if mtu == '1500' else mtu}",
        "--slirp4netns-sandbox=auto",
        "--slirp4netns-seccomp=auto",
        "--disable-host-loopback",
        f"--port-driver={'implicit' if net == 'pasta' else 'builtin'}",
        "--copy-up=/etc",
        "--copy-up=/run",
        "--propagation=rslave",
        *(flags_of_the_user_and_publish[:-2] if net == "pasta" else flags_of_the_user_and_publish),
        *SECOND_STAGE,
        *argv[dockerd + 2:],
    ]


def the_users_ca_certificate_is_kept(want):
    """A CA certificate that matches its key is the user's: the shell made a new one from the key at every start."""
    if "issuer" in want["out"]:
        want["out"]["issuer"] = "issuer=CN = my-own-ca\n"


def expectation(case):
    want = copy.deepcopy(case["want"])
    without_by_products(want)
    without_mounts_notes(want)
    tls_is_turned_off_by_word(want)
    rootlesskit_as_the_engine_starts_it(want)
    the_users_ca_certificate_is_kept(want)
    return want


def replay(sandbox, case):
    return sandbox.run(case["args"], case["env"], uid=case["uid"], setup=case["setup"], look=case["look"])


def check_out(name, want, got):
    assert got is not None, f"/out/{name} is missing"
    if name == "trio.sha":
        return  # random keys
    if name in ("files", "modes"):
        assert set(want.splitlines()) <= set(got.splitlines())
    elif name == "run":
        assert set(got.splitlines()) - {"dind"} == set(want.splitlines()), "dind is our record of what runs"
    elif name == "issuer":
        assert re.sub(r"\s*=\s*", "=", got) == re.sub(r"\s*=\s*", "=", want), "OpenSSL's versions space it differently"
    else:
        assert got == want


def check_program(result, name, want):
    started = result.started(name)
    if want is None:
        assert started is None, f"{name} was started\n{result}"
        return
    assert started, f"{name} was not started\n{result}"
    assert started.argv == want["argv"], result
    assert {key: started.env[key] for key in WATCHED if key in started.env} == want["env"], result


def check(result, want):
    assert result.exit == want["exit"], result
    for name, text in want["out"].items():
        check_out(name, text, result.out(name))
    for program in ("dockerd", "rootlesskit"):
        check_program(result, program, want.get(program))
    for line in want["stderr_tail"]:
        assert line in result.stderr.splitlines(), result


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_recorded_case(sandbox, case):
    result = replay(sandbox, case)
    check(result, expectation(case))
    assert not result.starts("docker-init"), "PID 1 is built in"
