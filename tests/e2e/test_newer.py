"""The same battery with a newer engine, Debian sid's: rootful, with three capabilities, and rootless in each of the three ways in."""

import re
import time

import pytest

import lab
import test_levels
import test_reach
import test_rootless

IMAGE = "dockerd-entrypoint:dind-sid"
ROOTLESS_IMAGE = "dockerd-entrypoint:dind-rootless-sid"


class Newer(lab.Dind):
    image = IMAGE


class NewerRootless(lab.Rootless):
    image = ROOTLESS_IMAGE


# What this engine does otherwise than `dindctl check --matrix` says, by level: (fails too, works after all). 28.5: nothing.
DIFFERENT = {}
# Rows of the matrix: what makes the container, and the profile.
LEVELS = {
    "privileged, then dropped": ("privileged", Newer),
    "three capabilities": ("three", Newer),
    **{name: (short, NewerRootless) for name, short in test_rootless.LEVELS.items()},
}


@pytest.fixture(scope="module")
def newer(engine):
    """The images with sid's engine. sid moves, and on some days it cannot be installed."""
    if lab.outer("image", "inspect", IMAGE, ROOTLESS_IMAGE, check=False).returncode != 0:
        lab.run([lab.TOP / "tests" / "lab" / "e2e", "newer"], timeout=480)
    if lab.outer("image", "inspect", IMAGE, ROOTLESS_IMAGE, check=False).returncode != 0:
        pytest.skip("Debian sid cannot be had here")
    text = lab.outer("run", "--rm", "--entrypoint", "dockerd", IMAGE, "--version").stdout
    version = re.search(r"version (\d+)\.(\d+)", text)
    print(f"\n{text.strip()}")
    return int(version[1]), int(version[2])


@pytest.fixture(scope="module", params=list(LEVELS), ids=[short for short, _ in LEVELS.values()])
def way(newer, request):
    name = request.param
    short, kind = LEVELS[name]
    level = lab.levels()[name]
    flags = test_rootless.flags(name, level) if kind is NewerRootless else test_levels.flags(level)
    box = kind("e2e-newer-" + short, privileges=flags)
    print(f"\n{name}: API ready {box.ready_after:.1f} s after docker run")
    yield level, box
    box.remove()


def test_the_engine_is_a_newer_one(newer):
    older = lab.outer("run", "--rm", "--entrypoint", "dockerd", lab.IMAGE, "--version").stdout
    assert newer[0] > int(re.search(r"version (\d+)", older)[1])


def test_the_battery_fails_in_what_the_matrix_says(way):
    level, box = way
    passed, failed, output = box.battery()
    print(f"\n{level['level']}: {passed} passed, failed: {' '.join(failed) or 'none'}")
    too, after_all = DIFFERENT.get(level["level"], ((), ()))
    assert sorted(failed) == sorted({*level["fails"], *too} - {*after_all}), output
    assert passed + len(failed) >= 40


def test_the_engine_answers_over_tls_from_outside(way, tmp_path, newer):
    _, box = way
    certificates = box.copy_client_certificates(tmp_path)
    version = lab.over_tls(box.address(), certificates, "version", "-f", "{{.Server.Version}}").stdout
    assert version.startswith(f"{newer[0]}.{newer[1]}."), version


@pytest.mark.parametrize("way", test_rootless.LEVELS, indirect=True, ids=test_rootless.LEVELS.values())
def test_no_process_holds_a_capability_over_the_machine(way):
    test_rootless.test_no_process_holds_a_capability_over_the_machine(way)


def test_the_api_is_published_by_pasta_too(newer, tmp_path):
    """pasta and its implicit port driver, which the older root does not have."""
    box = NewerRootless("e2e-newer-pasta", {"DIND_MODE": "rootless", "DIND_ROOTLESS_NET": "pasta"},
                        privileges=("--privileged", "--user", "0"))
    command = box.exec("sh", "-c", 'tr "\\0" " " < /proc/"$(pidof -s rootlesskit)"/cmdline').stdout
    assert "--net=pasta" in command and "--port-driver=implicit" in command and " -p " not in command
    certificates = box.copy_client_certificates(tmp_path)
    deadline = time.monotonic() + 20  # pasta looks for what is listened on from time to time
    while lab.over_tls(box.address(), certificates, "version", check=time.monotonic() > deadline).returncode != 0:
        time.sleep(0.1)
    box.remove()


@pytest.mark.parametrize("allowed", [False, True], ids=["no nested ones", "nested ones too"])
def test_an_allow_list_holds_behind_pasta_too(newer, tmp_path, allowed):
    environment = {"DIND_MODE": "rootless", "DIND_ROOTLESS_NET": "pasta", "DIND_API_ALLOW_NESTED": str(allowed).lower()}
    reached = test_reach.Reached(environment, tmp_path, NewerRootless, ("--privileged", "--user", "0"))
    try:
        deadline = time.monotonic() + 20  # as above
        while not reached.from_container("friend"):
            assert time.monotonic() < deadline, reached.dind.logs()
            time.sleep(0.1)
        reached.lets_in(nested=allowed)
    finally:
        reached.remove()


def test_detach_netns_follows_what_this_engine_knows(newer):
    name = "e2e-newer-netns"
    lab.outer("rm", "-f", "-v", name, check=False)
    settings = {"DIND_MODE": "rootless", "DIND_ROOTLESS_DETACH_NETNS": "true"}
    if newer >= (29, 5):
        box = NewerRootless(name, settings, privileges=("--privileged", "--user", "0"))
        assert box.docker("info", "-f", "{{.SecurityOptions}}").stdout.find("rootless") >= 0
        box.remove()
        return
    done = lab.outer("run", "--rm", "--privileged", "--user", "0", *(f"-e{key}={value}" for key, value in settings.items()),
                     ROOTLESS_IMAGE, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 78, said
    assert f"needs Docker Engine 29.5 or later, and this is {newer[0]}.{newer[1]}" in said, said
