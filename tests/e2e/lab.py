"""The private engine and containers of our image in it, for the tests."""

import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ENGINE = TOP / "build" / "engine"
REMAPPED = TOP / "build" / "engine-remap"  # its containers live in a user namespace
BUSYBOX = TOP / "build" / "roots" / "trixie" / "usr" / "bin" / "busybox"
IMAGE = "dockerd-entrypoint:dind"
ROOTLESS_IMAGE = "dockerd-entrypoint:dind-rootless"
READY_SECONDS = 60

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
    "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()


def mask(names):
    """The bits of capability names, as /proc/PID/status counts them."""
    return sum(1 << CAPABILITIES.index(name) for name in names.split())


def run(arguments, *, check=True, timeout=60, cwd=None):
    """Runs a program without a terminal; its output, stderr included, is in the exception if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "DIND_"))}
    environment.update(DOCKER_CONFIG=f"{ENGINE}/client", DOCKER_CLI_HINTS="false")
    done = subprocess.run([str(word) for word in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False, text=True, env=environment, cwd=cwd)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def outer(*arguments, engine=ENGINE, **options):
    """The docker client against the private engine."""
    return run([engine / "docker", "--host", f"unix://{engine}/run/docker.sock", *arguments], **options)


def inspect(name, template, **options):
    return json.loads(outer("inspect", "-f", "{{json " + template + "}}", name, **options).stdout)


def wait_for_log(name, part, seconds=20, since=None, **options):
    """The container's log, once it has this part in it; `since` leaves out what is older, as docker logs has it."""
    deadline = time.monotonic() + seconds
    while True:
        done = outer("logs", *(("--since", since) if since else ()), name, **options)
        if part in done.stdout + done.stderr:
            return done.stdout + done.stderr
        assert time.monotonic() < deadline and inspect(name, ".State.Running", **options), done.stdout + done.stderr
        time.sleep(0.1)


def levels():
    """`dindctl check --matrix` of the image, by name."""
    text = outer("run", "--rm", "--entrypoint", "dindctl", IMAGE, "check", "--matrix", "--json").stdout
    return {level["level"]: level for level in json.loads(text)}


class Dind:
    """One container of our image."""

    image = IMAGE
    socket = "/var/run/docker.sock"
    user = None  # who asks the engine inside; None: the container's own

    def __init__(self, name, environment=None, options=(), arguments=(), privileges=("--privileged",), engine=ENGINE,
                 before=None):
        """`before` is called with this object when the container is up and the launcher has not begun."""
        self.name, self.engine = name, engine
        self.outer("rm", "-f", "-v", name, check=False)
        settings = [word for key, value in (environment or {}).items() for word in ("-e", f"{key}={value}")]
        wait = ("--entrypoint", "sh") if before else ()
        command = ("-c", 'until [ -e /tmp/go ]; do sleep 0.05; done; exec dockerd-entrypoint.sh "$@"', "sh") if before else ()
        self.outer("run", "-d", *privileges, "--name", name, "--hostname", name, *settings, *options, *wait, self.image, *command,
                   *arguments)
        if before:
            before(self)
            self.exec("touch", "/tmp/go")
        self.began = time.monotonic()
        self.wait_ready()

    def outer(self, *arguments, **options):
        return outer(*arguments, engine=self.engine, **options)

    def wait_ready(self):
        """Returns the seconds since the start; fails with the container's log if it ends or takes too long."""
        while time.monotonic() - self.began < READY_SECONDS:
            if self.exec("dindctl", "health", check=False).returncode == 0:
                self.ready_after = time.monotonic() - self.began
                return self.ready_after
            if not inspect(self.name, ".State.Running", engine=self.engine):
                break
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not become ready:\n{self.logs()}")

    def exec(self, *command, **options):
        return self.outer("exec", self.name, *command, **options)

    def docker(self, *arguments, **options):
        """The docker client inside, by the engine's own socket."""
        who = ("--user", self.user) if self.user else ()
        return self.outer("exec", *who, "-e", f"DOCKER_HOST=unix://{self.socket}", self.name, "docker", *arguments, **options)

    def start(self):
        self.began = time.monotonic()
        self.outer("start", self.name)
        return self.wait_ready()

    def load_tiny_image(self, folder):
        """Makes the image "tiny" inside."""
        self.outer("cp", tiny_image(folder), f"{self.name}:/tiny.tar")
        self.docker("import", "/tiny.tar", "tiny")

    def logs(self, lines=60):
        done = self.outer("logs", "--tail", str(lines), self.name, check=False)
        return done.stdout + done.stderr

    def beginning(self):
        """The launcher's own part of the log."""
        return self.logs(100000).split('msg="Starting up"')[0]

    def address(self):
        return inspect(self.name, ".NetworkSettings.Networks.bridge.IPAddress", engine=self.engine)

    def dockerd_status(self):
        """/proc/PID/status of the dockerd inside, as a dictionary."""
        text = self.exec("sh", "-c", 'cat /proc/"$(pidof -s dockerd)"/status').stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def copy_client_certificates(self, folder):
        self.outer("cp", f"{self.name}:/certs/client", folder)
        return folder / "client"

    def battery(self):
        """Runs every check of the battery inside: (how many passed, the names of those that failed, the whole output)."""
        self.outer("cp", TOP / "tests" / "e2e" / "engine-battery", f"{self.name}:/engine-battery")
        who = ("--user", self.user) if self.user else ()
        done = self.outer("exec", *who, "-e", f"DOCKER_HOST=unix://{self.socket}", self.name, "bash", "/engine-battery", "-v",
                          check=False, timeout=200)
        closing = re.fullmatch(r"battery: (\d+) passed, (\d+) failed:(.*)", done.stdout.strip().splitlines()[-1])
        assert closing, done.stdout + done.stderr
        names = [] if closing[3] == " none" else closing[3].split()
        assert len(names) == int(closing[2])
        return int(closing[1]), names, done.stdout

    def processes(self):
        """Every process of the container as this machine sees it: (pid, /proc/PID/status as a dictionary)."""
        identifier = inspect(self.name, ".Id", engine=self.engine)
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if identifier in (path / "cgroup").read_text():
                    lines = (path / "status").read_text().splitlines()
                    yield int(path.name), dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            except (FileNotFoundError, ProcessLookupError):
                continue

    def remove(self):
        self.outer("rm", "-f", "-v", self.name, check=False)


class Rootless(Dind):
    """One container of our rootless image. Its user is 1000 whoever starts it."""

    image = "dockerd-entrypoint:dind-rootless"
    socket = "/run/user/1000/docker.sock"
    user = "1000"

    def wait_ready(self):
        """The log tells: root without capabilities may not even ask the user's socket."""
        wait_for_log(self.name, "API listen on", READY_SECONDS, engine=self.engine)
        self.ready_after = time.monotonic() - self.began
        return self.ready_after


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
