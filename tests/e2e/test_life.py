"""Health, stop, restart, crash: the container's life under its engine."""

import time

import lab
import pytest


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


# A container that saves its work when it is told to stop, and one that ends by itself.
SAVES = "trap 'echo saved > /data/work; exit 0' TERM; echo begun > /data/work; while :; do sleep 0.1; done"
FINISHES = "sleep 4; echo finished > /data/work"


def run_inside(dind, name, script, *options):
    dind.exec("docker", "run", "-d", "--name", name, "-v", f"{name}:/data", *options, "tiny", "/bin/busybox", "sh", "-c", script)


def work_of(dind, name):
    status = dind.exec("docker", "inspect", "-f", "{{.State.ExitCode}} {{.State.Running}}", name).stdout.strip()
    text = dind.exec("docker", "run", "--rm", "-v", f"{name}:/data", "tiny", "/bin/busybox", "cat", "/data/work").stdout.strip()
    return status, text


def stop(name, seconds):
    began = time.monotonic()
    lab.outer("stop", "-t", str(seconds), name, timeout=seconds + 20)
    return time.monotonic() - began


def test_a_stop_lets_a_running_container_save_its_work(dind, tmp_path):
    dind.load_tiny_image(tmp_path)
    run_inside(dind, "saves", SAVES)
    took = stop(dind.name, 30)
    assert took < 25, "the outer engine had to kill it"
    assert lab.inspect(dind.name, ".State.ExitCode") == 0, dind.logs()
    dind.start()
    assert work_of(dind, "saves") == ("0 false", "saved")
    print(f"\nstopped in {took:.1f} s with a container inside")


def test_a_hangup_makes_the_engine_read_its_configuration_again(dind):
    lab.outer("kill", "-s", "HUP", dind.name)
    lab.wait_for_log(dind.name, "Got signal to reload configuration")
    assert dind.exec("dindctl", "health").returncode == 0


@pytest.mark.parametrize("victim", ["dockerd", "containerd"])
def test_after_a_kill_inside_a_restart_comes_up_clean(dind, tmp_path, victim):
    dind.load_tiny_image(tmp_path)
    name = f"after-{victim}"
    run_inside(dind, name, "sleep 600", "--restart", "always")
    dind.exec("sh", "-c", f"kill -KILL $(pidof -s {victim})", check=False)  # which may end with the container
    if victim == "dockerd":
        assert lab.outer("wait", dind.name).stdout == "137\n"
        dind.start()
    else:  # dockerd starts another one
        lab.outer("restart", "-t", "30", dind.name)
        dind.began = time.monotonic()
        dind.wait_ready()
    deadline = time.monotonic() + 20
    while dind.exec("docker", "inspect", "-f", "{{.State.Running}}", name).stdout != "true\n":
        assert time.monotonic() < deadline, dind.logs()
        time.sleep(0.2)
    dind.exec("docker", "rm", "-f", name)
    assert dind.exec("docker", "run", "--rm", "tiny", "/bin/busybox", "echo", "works").stdout == "works\n"


def test_pid_1_has_next_to_no_memory_of_its_own(dind):
    memory = dict(line.split(":", 1) for line in dind.exec("cat", "/proc/1/smaps_rollup").stdout.splitlines()[1:])
    kilobytes = {name: int(value.split()[0]) for name, value in memory.items()}
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    print(f"\n{private} kB private, {kilobytes['Anonymous']} kB of it written to")
    assert private < 512 and kilobytes["Anonymous"] <= 32


@pytest.fixture(scope="module")
def patient(engine):
    """One that waits for its containers, and says in a file that it is ready."""
    box = lab.Dind("e2e-life-patient", {"DIND_SHUTDOWN_WAIT_FOR_IDLE": "60", "DIND_SHUTDOWN_TIMEOUT": "40",
                                        "DIND_READY_FILE": "/run/dind/ready"})
    yield box
    box.remove()


def test_a_stop_waits_until_containers_have_finished_by_themselves(patient, tmp_path):
    patient.load_tiny_image(tmp_path)
    assert patient.exec("cat", "/run/dind/ready").stdout == "ready\n"
    run_inside(patient, "finishes", FINISHES)
    stop(patient.name, 100)
    log = patient.logs(1000)
    assert "waiting up to 60 s for 1 container to finish: finishes" in log and "no container runs any more" in log
    assert lab.inspect(patient.name, ".State.ExitCode") == 0, log
    patient.start()
    assert work_of(patient, "finishes") == ("0 false", "finished")


def test_a_second_stop_ends_the_wait(patient):
    run_inside(patient, "endless", SAVES)
    lab.outer("kill", "-s", "TERM", patient.name)
    lab.wait_for_log(patient.name, "1 container to finish: endless")
    assert patient.exec("test", "-e", "/run/dind/ready", check=False).returncode == 1
    took = stop(patient.name, 60)
    assert took < 40 and lab.inspect(patient.name, ".State.ExitCode") == 0, patient.logs()
    patient.start()
    assert work_of(patient, "endless") == ("0 false", "saved")
