"""The engine's data on the container's own root, which is an overlay, with a real engine."""

import pytest

import lab

PLAIN = {"DOCKER_TLS_CERTDIR": "", "DIND_API_TCP_ENABLED": "false"}
ON_ROOT = ("--data-root=/data",)


def driver(dind):
    return dind.exec("docker", "info", "-f", "{{.Driver}}").stdout.strip()


@pytest.fixture
def boxes(engine):
    made = []

    def make(name, environment=None, arguments=()):
        made.append(lab.Dind(f"e2e-storage-{name}", {**PLAIN, **(environment or {})}, arguments=arguments))
        return made[-1]

    yield make
    for dind in made:
        dind.remove()


def test_overlay_on_overlay_is_recognised_and_fuse_takes_over(boxes, tmp_path):
    dind = boxes("fuse", {"DIND_STORAGE_ON_OVERLAY": "fuse"}, ON_ROOT)
    assert dind.exec("stat", "-f", "-c", "%T", "/data").stdout.strip() == "overlayfs"
    assert driver(dind) == "fuse-overlayfs"
    assert "/data is on overlayfs" in dind.beginning()
    dind.load_tiny_image(tmp_path)
    assert dind.exec("docker", "run", "--rm", "tiny", "/bin/busybox", "echo", "ran").stdout == "ran\n"


def test_the_engine_is_left_alone_where_overlay_works(boxes):
    dind = boxes("volume", {"DIND_STORAGE_ON_OVERLAY": "vfs"})
    assert driver(dind) == "overlay2"
    assert "storage:" not in dind.beginning()


def test_fail_names_the_folder_and_the_remedy(engine):
    name = "e2e-storage-fail"
    lab.outer("rm", "-f", "-v", name, check=False)
    try:
        lab.outer("run", "-d", "--privileged", "--name", name, "-e", "DIND_STORAGE_ON_OVERLAY=fail", lab.IMAGE, *ON_ROOT)
        assert lab.outer("wait", name).stdout.strip() == "78"
        log = lab.outer("logs", name).stderr
        assert "/data is on overlayfs" in log and "mount a volume on /data" in log
        assert "Starting up" not in log
    finally:
        lab.outer("rm", "-f", "-v", name)
