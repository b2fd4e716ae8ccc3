"""Health, stop, restart, crash: the container's life under its engine."""

import time

import lab


def certificate_sums(dind):
    return dind.exec("sh", "-c", "cd /certs && sha256sum ca/cert.pem server/*.pem client/*.pem").stdout


def test_healthcheck_becomes_healthy(dind):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        health = lab.inspect(dind.name, ".State.Health")
        if health["Status"] == "healthy":
            print(f"\nhealthy {time.monotonic() - dind.began:.1f} s after docker run")
            return
        time.sleep(0.2)
    raise AssertionError(f"still {health}")


def test_stop_is_clean_and_a_restart_keeps_the_certificates(dind):
    before = certificate_sums(dind)
    began = time.monotonic()
    lab.outer("stop", "-t", "20", dind.name)
    stopped = time.monotonic() - began
    assert lab.inspect(dind.name, ".State.ExitCode") == 0, dind.logs()
    assert stopped < 15
    again = dind.start()
    print(f"\nstopped in {stopped:.1f} s, ready again {again:.1f} s after docker start")
    assert certificate_sums(dind) == before


def test_containers_inside_survive_a_restart_of_the_outside(dind, tmp_path):
    dind.load_tiny_image(tmp_path)
    dind.exec("docker", "run", "-d", "--name", "stays", "--restart", "always", "tiny", "/bin/busybox", "sleep", "600")
    lab.outer("restart", "-t", "20", dind.name)
    dind.began = time.monotonic()
    dind.wait_ready()
    deadline = time.monotonic() + 20
    while dind.exec("docker", "inspect", "-f", "{{.State.Running}}", "stays").stdout != "true\n":
        assert time.monotonic() < deadline, dind.logs()
        time.sleep(0.2)


def test_a_killed_container_comes_up_again(dind):
    """Its pid files and sockets are still there: nobody cleaned up."""
    lab.outer("kill", "-s", "KILL", dind.name)
    again = dind.start()
    print(f"\nready {again:.1f} s after a start that follows a kill")


def test_no_zombies_are_left_by_what_ran_inside(dind, tmp_path):
    dind.load_tiny_image(tmp_path)
    dind.exec("sh", "-c", "for i in 1 2 3; do docker run --rm tiny /bin/busybox true; done")
    deadline = time.monotonic() + 5
    while True:
        states = dind.exec("sh", "-c", "cat /proc/[0-9]*/stat | sed 's/.*) //' | cut -c1").stdout
        if "Z" not in states:
            return
        assert time.monotonic() < deadline, dind.exec("ps", "ax", "-o", "pid,ppid,stat,args").stdout
        time.sleep(0.2)
