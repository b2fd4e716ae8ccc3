"""The private engine and containers of our image in it, for the tests."""

import json
import os
import pathlib
import subprocess
import tarfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ENGINE = TOP / "build" / "engine"
BUSYBOX = TOP / "build" / "roots" / "trixie" / "usr" / "bin" / "busybox"
IMAGE = "dockerd-entrypoint:dind"
READY_SECONDS = 60

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
    "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()


def mask(names):
    """The bits of capability names, as /proc/PID/status counts them."""
    return sum(1 << CAPABILITIES.index(name) for name in names.split())


def run(arguments, *, check=True, timeout=60):
    """Runs a program without a terminal; its output, stderr included, is in the exception if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "DIND_"))}
    environment.update(DOCKER_CONFIG=f"{ENGINE}/client", DOCKER_CLI_HINTS="false")
    done = subprocess.run([str(word) for word in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False, text=True, env=environment)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def outer(*arguments, **options):
    """The docker client against the private engine."""
    return run([ENGINE / "docker", "--host", f"unix://{ENGINE}/run/docker.sock", *arguments], **options)


def inspect(name, template):
    return json.loads(outer("inspect", "-f", "{{json " + template + "}}", name).stdout)


class Dind:
    """One container of our image."""

    def __init__(self, name, environment=None, options=(), arguments=()):
        self.name = name
        outer("rm", "-f", "-v", name, check=False)
        settings = [word for key, value in (environment or {}).items() for word in ("-e", f"{key}={value}")]
        self.began = time.monotonic()
        outer("run", "-d", "--privileged", "--name", name, "--hostname", name, *settings, *options, IMAGE, *arguments)
        self.wait_ready()

    def wait_ready(self):
        """Returns the seconds since the start; fails with the container's log if it ends or takes too long."""
        while time.monotonic() - self.began < READY_SECONDS:
            if self.exec("dindctl", "health", check=False).returncode == 0:
                self.ready_after = time.monotonic() - self.began
                return self.ready_after
            if not inspect(self.name, ".State.Running"):
                break
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not become ready:\n{self.logs()}")

    def exec(self, *command, **options):
        return outer("exec", self.name, *command, **options)

    def start(self):
        self.began = time.monotonic()
        outer("start", self.name)
        return self.wait_ready()

    def load_tiny_image(self, folder):
        """Makes the image "tiny" inside."""
        outer("cp", tiny_image(folder), f"{self.name}:/tiny.tar")
        self.exec("docker", "import", "/tiny.tar", "tiny")

    def logs(self):
        done = outer("logs", "--tail", "60", self.name, check=False)
        return done.stdout + done.stderr

    def address(self):
        return inspect(self.name, ".NetworkSettings.Networks.bridge.IPAddress")

    def dockerd_status(self):
        """/proc/PID/status of the dockerd inside, as a dictionary."""
        text = self.exec("sh", "-c", 'cat /proc/"$(pidof -s dockerd)"/status').stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def copy_client_certificates(self, folder):
        outer("cp", f"{self.name}:/certs/client", folder)
        return folder / "client"

    def remove(self):
        outer("rm", "-f", "-v", self.name, check=False)


def over_tls(address, certificates, *arguments, **options):
    """The docker client of the outside against the engine inside, by its TLS port."""
    return run([ENGINE / "docker", "--host", f"tcp://{address}:2376", "--tlsverify", "--tlscacert",
                certificates / "ca.pem", "--tlscert", certificates / "cert.pem", "--tlskey", certificates / "key.pem",
                *arguments], **options)


def tiny_image(folder):
    """A tar with nothing but a static busybox: the smallest image that runs."""
    with tarfile.open(folder / "tiny.tar", "w") as archive:
        archive.add(BUSYBOX.resolve(), "bin/busybox")
    return folder / "tiny.tar"
