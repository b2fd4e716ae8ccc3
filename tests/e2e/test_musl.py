"""The binary that Alpine's C library gives (tests/lab/check-musl), with a real engine: rootful as PID 1, and rootless."""

import os
import shutil

import pytest

import lab
import test_rootless

BINARY = lab.TOP / "build" / "musl" / "dockerd-entrypoint"


class Musl(lab.Dind):
    image = lab.IMAGE + "-musl"


class MuslRootless(lab.Rootless):
    image = lab.ROOTLESS_IMAGE + "-musl"


@pytest.fixture(scope="module", params=[Musl, MuslRootless], ids=["rootful", "rootless"])
def box(engine, request, tmp_path_factory):
    if not BINARY.exists():
        pytest.skip("there is no build against musl: the test musl makes it (./dev test musl)")
    kind, folder = request.param, tmp_path_factory.mktemp("musl")
    shutil.copy(BINARY, folder)
    (folder / "Dockerfile").write_text(f"FROM {kind.image.removesuffix('-musl')}\nCOPY dockerd-entrypoint /usr/local/bin/\n")
    lab.outer("build", "-q", "-t", kind.image, folder, timeout=120)
    privileges = ("--privileged", "--user", "0", "-e", "DIND_MODE=rootless") if kind is MuslRootless else ("--privileged",)
    made = kind("e2e-musl", {"DIND_CAPABILITIES_PROFILE": "strict"} if kind is Musl else None, privileges=privileges)
    yield made
    made.remove()


def test_the_image_has_the_binary_of_the_other_c_library(box):
    assert box.exec("sha256sum", "/usr/local/bin/dockerd-entrypoint").stdout.split()[0] == \
        lab.run(["sha256sum", BINARY]).stdout.split()[0]
    assert b"glibc" in (lab.TOP / "build" / "release" / "dockerd-entrypoint").read_bytes()
    assert b"glibc" not in BINARY.read_bytes()


def test_the_battery_fails_in_what_the_matrix_says(box):
    level = "rootless, privileged at the start" if isinstance(box, MuslRootless) else "privileged, then dropped"
    passed, failed, output = box.battery()
    assert failed == lab.levels()[level]["fails"], output
    assert passed + len(failed) >= 40


def test_the_api_answers_over_tls_from_outside(box, tmp_path):
    assert lab.over_tls(box.address(), box.copy_client_certificates(tmp_path), "version").returncode == 0


def test_what_was_to_be_dropped_is_gone(box):
    if isinstance(box, MuslRootless):
        test_rootless.test_no_process_holds_a_capability_over_the_machine((None, box))
    else:
        assert not int(box.dockerd_status()["CapBnd"], 16) & lab.mask("SYS_MODULE SYS_RAWIO SYS_BOOT SYS_TIME MAC_ADMIN")


def test_docker_stop_ends_it_in_time(box):
    before = os.times().elapsed
    box.outer("stop", "-t", "30", box.name, timeout=60)
    assert os.times().elapsed - before < 30 and lab.inspect(box.name, ".State.ExitCode") == 0
