"""A scratch root in which the launcher starts as a container's first process.

The machine's own root is the lower layer of an overlay whose upper layer is a tmpfs; mounts, processes, network, names and (where
asked) cgroups are namespaces of their own. What the launcher would start are stubs (stub.c) that write down what they were given.

    result = Sandbox(folder, launcher, stub).run(["--debug"], {"DOCKER_TLS_CERTDIR": ""}, look="ls /run > /out/run")
    result.exit, result.stderr, result.out("run"), result.started("dockerd").argv

The root has an eth0 at 10.77.0.2 and the hostname boxhost. /out is a folder of the test's; everything else is gone afterwards.
"""

import contextlib
import dataclasses
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

import kernel

ADDRESS = "10.77.0.2"
HOSTNAME = "boxhost"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAUNCHER = "dockerd-entrypoint"
ALIASES = ("dockerd-entrypoint.sh", "dindctl")
PROGRAMS = ("dockerd", "docker-init", "docker", "rootlesskit", "slirp4netns", "pasta", "iptables", "ip6tables", "modprobe")
LEGACY_FOLDER = "/usr/local/sbin/.iptables-legacy"
DOCKER_SUBCOMMANDS = ("build", "exec", "images", "info", "ps", "run", "version")
CONFIG = "/etc/dind/config.yaml"

# The cheapest start: no certificates to make.
NO_TLS = {"DOCKER_TLS_CERTDIR": ""}

# An ordinary user whom a rootless image has been made for: run(..., **ROOTLESS).
ROOTLESS_SETUP = """
echo rootless:x:2000:2000::/home/rootless:/bin/sh >> etc/passwd
mkdir -p home/rootless/.local/share/docker run/user
mount -t tmpfs docker home/rootless/.local/share/docker
chown -R 2000:2000 home/rootless
chmod 1777 run/user
echo rootless:100000:65536 | tee etc/subuid > etc/subgid
"""
ROOTLESS = {"uid": 2000, "setup": ROOTLESS_SETUP}

HARNESS_FAILED = 120


class SandboxError(Exception):
    """The scratch root could not be made: no fault of the launcher."""


@dataclasses.dataclass(frozen=True)
class Host:
    """The container that the launcher finds itself in: the defaults are those of `docker run --privileged`."""

    drop: tuple = ()  # capabilities that the bounding set lacks
    no_new_privs: bool = False
    sys_read_only: bool = False
    proc_sys_read_only: bool = False
    cgroup: str = "v1"  # v1: an empty tmpfs; v2: a cgroup and a namespace of its own; v2-host: the host's view
    cgroup_read_only: bool = False
    oom_score_adj: int = None
    user_namespace: bool = False  # root of one, as in a container of an engine with --userns-remap
    without: tuple = ()  # stubs that this image lacks
    data_volume: bool = True  # /var/lib/docker is a volume, as the images have it; else it lies on the root's overlay
    legacy_iptables: bool = True  # the image has the second set of iptables
    config: str = None  # the text of /etc/dind/config.yaml


class Started:
    """What one stub found when it was started."""

    def __init__(self, folder):
        def read(name):
            path = folder / name
            return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""

        self.argv = read("argv").split("\0")[1:-1]
        self.env = dict(item.split("=", 1) for item in read("environ").split("\0") if "=" in item)
        self.status = {key: value.strip() for key, value in
                       (line.split(":", 1) for line in read("status").splitlines() if ":" in line)}
        self.mounts = [Mount(line) for line in read("mountinfo").splitlines()]
        self.limits = read("limits")
        self.cgroup = read("cgroup")
        self.oom_score_adj = int(read("oom_score_adj") or 0)
        self.cwd = read("cwd")
        self.descriptors = dict((int(number), target) for number, target in
                                (line.split(" ", 1) for line in read("descriptors").splitlines()))

    def bits(self, name):
        """A set of /proc/PID/status as a number: bits("CapBnd"), bits("SigIgn")."""
        return int(self.status[name], 16)

    def mounts_on(self, point):
        return [m for m in self.mounts if m.point == point]


class Mount:
    """A line of proc_pid_mountinfo(5)."""

    def __init__(self, line):
        left, right = line.split(" - ", 1)
        fields, rest = left.split(), right.split()
        self.root, self.point, self.options, self.tags = fields[3], fields[4], fields[5].split(","), fields[6:]
        self.type, self.source = rest[0], rest[1]
        self.super_options = rest[2].split(",") if len(rest) > 2 else []

    def __repr__(self):
        return f"{self.type} on {self.point} {self.options} {self.tags}"


_LOG_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


class Result:
    """How a run ended. `exit` is as from subprocess: negative for a signal."""

    def __init__(self, folder, exit_status, changes, seconds):
        self._out = folder / "out"
        self.exit = exit_status
        self.seconds = seconds
        self.changes = changes  # path -> what it is now, for everything that differs in the root's own filesystem
        self.stdout = (folder / "stdout").read_text(errors="surrogateescape")
        self.stderr = (folder / "stderr").read_text(errors="surrogateescape")

    def changes_beside_record(self):
        """The changes, without the record that tells how far a start has come."""
        return {path: what for path, what in self.changes.items() if path != "/run" and not path.startswith("/run/dind")}

    def out(self, name):
        """A file that setup, look or a command left under /out; None when there is none."""
        path = self._out / name
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None

    def out_path(self, name):
        return self._out / name

    def starts(self, name):
        """Every start of a stub, in order."""
        found, number = [], 1
        while (folder := self._out / (name if number == 1 else f"{name}.{number}")).is_dir():
            found.append(Started(folder))
            number += 1
        return found

    def rules(self, program="iptables"):
        """The commands of api.allow's rules, in order: those with -w; the probe of the other step has none."""
        return [" ".join(start.argv[1:]) for start in self.starts(program) if start.argv[0] == "-w"]

    def programs_started(self):
        """The names of all stubs that were started."""
        return sorted(path.parent.name for path in self._out.glob("*/argv"))

    def started(self, name):
        """The one start of a stub, or None."""
        found = self.starts(name)
        assert len(found) <= 1, f"{name} was started {len(found)} times\n{self}"
        return found[0] if found else None

    def log(self, level=None):
        """The launcher's log lines of that level, or all: dicts with level, msg and perhaps hint."""
        lines = [{key: json.loads(value) if value[0] == '"' else value for key, value in _LOG_FIELD.findall(line)}
                 for line in self.stderr.splitlines() if line.startswith("time=")]
        return [line for line in lines if level in (None, line["level"])]

    def json_log(self):
        """The same with log.format: json, where every line must be an object."""
        return [json.loads(line) for line in self.stderr.splitlines()]

    def warnings(self):
        return [line["msg"] for line in self.log("warning")]

    def failure(self):
        """What the launcher said when it gave up, hint included: from "error:" to the end."""
        at = self.stderr.find("error: ")
        return self.stderr[at:] if at >= 0 else None

    def __repr__(self):
        return (f"<exit {self.exit} after {self.seconds:.2f} s>\n--- stdout\n{self.stdout[-4000:]}\n"
                f"--- stderr\n{self.stderr[-8000:]}")


class Cgroup:
    """A cgroup v2 of the host's, for a sandbox to live in."""

    def __init__(self, parent):
        self.path = Path(parent) / f"dind-system-{os.getpid()}-{time.monotonic_ns()}"
        self.path.mkdir()

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def remove(self):
        for folder, _, _ in os.walk(self.path, topdown=False):
            for _ in range(100):
                try:
                    os.rmdir(folder)
                    break
                except OSError:  # dying members linger for some milliseconds
                    time.sleep(0.02)


class Running:
    """A start that has not ended yet."""

    def __init__(self, folder, keeper, report, cgroup, own_cgroup, started, results):
        self._folder, self._keeper, self._report = folder, keeper, report
        self._own_cgroup, self._started, self._results = own_cgroup, started, results
        self.cgroup = cgroup
        self._first_line = self._read_line()
        self.pid = self._first_line.get("pid")  # of the first process, as the host sees it

    def _read_line(self):
        line = self._report.readline()
        return json.loads(line) if line else {}

    def out_path(self, name):
        return self._folder / "out" / name

    def wait_for(self, name, enough=bool, timeout=10):
        """Waits until /out/NAME has a text that is enough, and returns it; without a word about that: any text at all."""
        path = self.out_path(name)
        return self._wait_until(lambda: path.exists() and enough(path.read_text()) and path.read_text(), f"/out/{name}", timeout)

    def wait_for_file(self, name, timeout=10):
        self._wait_until(self.out_path(name).exists, f"/out/{name}", timeout)

    def wait_for_log(self, part, timeout=10):
        self._wait_until(lambda: part in (self._folder / "stderr").read_text(errors="replace"), f"'{part}' in the log", timeout)

    def _wait_until(self, done, what, timeout):
        end = time.monotonic() + timeout
        while not (found := done()):
            if time.monotonic() > end or select.select([self._report], [], [], 0)[0]:
                result = self.wait(0.5)
                raise AssertionError(f"{what} never came\n{result}")
            time.sleep(0.002)
        return found

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=20):
        """The Result. What runs longer is killed, and that is a failure of the test."""
        late = not select.select([self._report], [], [], timeout)[0]
        if late and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        last = self._read_line()
        self._report.close()
        os.waitpid(self._keeper, 0)
        if self._own_cgroup:
            self.cgroup.remove()
        result = Result(self._folder, last.get("exit", HARNESS_FAILED), last.get("changes", {}),
                        time.monotonic() - self._started)
        self._results.append(result)
        if result.exit == HARNESS_FAILED:
            raise SandboxError(result.stderr)
        assert not late, f"still running after {timeout} s\n{result}"
        return result


class Sandbox:
    """Makes scratch roots below `folder`. One launcher and one stub program serve all of them."""

    def __init__(self, folder, launcher, stub, cgroup_mount=None):
        self._folder, self._launcher, self._stub = Path(folder), Path(launcher), Path(stub)
        self._cgroup_mount = cgroup_mount
        self._count = 0
        self.results = []  # of everything that has ended

    def new_cgroup(self, below=None):
        return Cgroup(below.path if below else self._cgroup_mount)

    def run(self, args=(), env=None, *, timeout=20, **how):
        """Starts, waits, and returns the Result. Keyword arguments as for start."""
        return self.start(args, env, **how).wait(timeout)

    def start(self, args=(), env=None, *, uid=0, gid=None, host=Host(), setup="", look="", dockerd="", stub=None,
              program=ALIASES[0], around="", cgroup=None, cwd="/"):
        """
        Starts `program` with `args` and exactly the environment `env`, beside PATH and HOME.

        setup   shell that runs first, as root, with the scratch root as working directory
        look    shell that the stub dockerd runs before it ends with status 0
        dockerd shell that the stub dockerd becomes instead, in the same process
        stub    more files for /stub, by name (see stub.c)
        around  shell that is the first process and starts the launcher by "$@" itself
        cgroup  a Cgroup to live in; otherwise one is made where host.cgroup asks for v2
        """
        self._count += 1
        folder = self._folder / f"run-{self._count}"
        (folder / "root").mkdir(parents=True)
        (folder / "out").mkdir()
        os.chmod(folder / "out", 0o1777)
        own_cgroup = cgroup is None and host.cgroup != "v1"
        if own_cgroup:
            cgroup = self.new_cgroup()
        spec = _Spec(folder=folder, launcher=self._launcher, stub=self._stub, args=tuple(args), env=dict(env or {}), uid=uid,
                     gid=uid if gid is None else gid, host=host, setup=setup, program=program, around=around, cgroup=cgroup,
                     cwd=cwd, stub_files=_stub_files(look, dockerd, stub))
        started = time.monotonic()
        read_end, write_end = os.pipe()
        keeper = os.fork()
        if keeper == 0:
            os.close(read_end)
            _keep(spec, write_end)
        os.close(write_end)
        return Running(folder, keeper, os.fdopen(read_end, "r"), cgroup, own_cgroup, started, self.results)


def _stub_files(look, dockerd, more):
    files = {"docker.help": "".join(name + "\n" for name in DOCKER_SUBCOMMANDS)}
    if look:
        files["look"] = look
    if dockerd:
        files["dockerd.sh"] = dockerd
    files.update(more or {})
    return files


@dataclasses.dataclass(frozen=True)
class _Spec:
    folder: Path
    launcher: Path
    stub: Path
    args: tuple
    env: dict
    uid: int
    gid: int
    host: Host
    setup: str
    program: str
    around: str
    cgroup: Cgroup
    cwd: str
    stub_files: dict


# ---- the process outside of the new namespaces of processes: waits, and reports ----


def _keep(spec, report):
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(spec.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS
                       | kernel.CLONE_NEWIPC)
        upper = _mount_root(spec)
        read_end, write_end = os.pipe()
        first = os.fork()
        if first == 0:
            _become_first(spec, upper, write_end)
        os.close(write_end)
        os.write(report, json.dumps({"pid": first}).encode() + b"\n")
        with os.fdopen(read_end) as file:
            before = json.loads(file.read() or "{}")
        _, status = os.waitpid(first, 0)
        end = {"exit": os.waitstatus_to_exitcode(status), "changes": _difference(before, _written(upper))}
        os.write(report, json.dumps(end).encode() + b"\n")
        os._exit(0)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os.write(2, traceback.format_exc().encode())
        os._exit(1)


def _written(upper):
    """Everything in the overlay's upper layer: path -> mode, owner, size, time and, for small files, content."""
    found = {}
    for folder, folders, files, at in os.fwalk(".", dir_fd=upper):
        for name in folders + files:
            path = os.path.normpath(os.path.join("/", folder, name))
            info = os.stat(name, dir_fd=at, follow_symlinks=False)
            what = (f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid} {info.st_size if name in files else ''} "
                    f"{info.st_mtime_ns}")
            if stat.S_ISREG(info.st_mode) and info.st_size < 65536:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=at)
                what += " " + os.read(descriptor, 65536).decode("latin-1")
                os.close(descriptor)
            found[path] = what
    return found


def _difference(before, after):
    """What is new, what differs (a folder's time changes when a name in it comes or goes), and what is gone."""
    return {path: after.get(path, "gone") for path in sorted(before.keys() | after.keys())
            if before.get(path) != after.get(path)}


def _mount_root(spec):
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    base = spec.folder / "root"
    kernel.mount("tmpfs", base, "tmpfs", 0, "mode=755")
    for name in ("upper", "work", "root"):
        (base / name).mkdir()
    for name, mode in (("run", 0o755), ("tmp", 0o1777)):
        (base / "upper" / name).mkdir()
        os.chmod(base / "upper" / name, mode)
        os.setxattr(base / "upper" / name, "trusted.overlay.opaque", b"y")
    kernel.mount("overlay", base / "root", "overlay", 0,
                 f"lowerdir=/,upperdir={base}/upper,workdir={base}/work")
    return os.open(base / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


# ---- the first process of the sandbox ----


def _become_first(spec, upper, report):
    try:
        _reset_signals()
        if spec.cgroup:
            spec.cgroup.add(0)
        if spec.host.cgroup == "v2":
            kernel.unshare(kernel.CLONE_NEWCGROUP)
        _fill_root(spec)
        _mount_kernel(spec)
        _make_network()
        _enter(spec)
        if spec.setup:
            subprocess.run(["/bin/sh", "-c", spec.setup], check=True, cwd="/", env={"PATH": PATH})
        _make_read_only(spec.host)
        environment = _environment(spec)
        with os.fdopen(report, "w") as file:
            json.dump(_written(upper), file)
        _give_up(spec)
        os.chdir(spec.cwd)
        command = [spec.program, *spec.args]
        if spec.around:
            command = ["/bin/sh", "-c", spec.around, "around", *command]
        os.closerange(3, 1024)
        os.execvpe(command[0], command, environment)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
        os._exit(HARNESS_FAILED)


def _reset_signals():
    """Python changes some; others are as the tests' own parent left them: nohup(1) has SIGHUP ignored."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _fill_root(spec):
    root = spec.folder / "root" / "root"
    for path in ("certs", "etc/dind", "etc/docker", "var/lib/docker", "usr/local/bin", "usr/local/sbin"):
        if (root / path).exists():
            shutil.rmtree(root / path)
    for path in ("out", "stub", "usr/local/bin", "usr/local/sbin"):
        (root / path).mkdir(exist_ok=True)
    binaries = root / "usr/local/bin"
    shutil.copy(spec.launcher, binaries / LAUNCHER)
    os.chmod(binaries / LAUNCHER, 0o755)
    for alias in ALIASES:
        (binaries / alias).symlink_to(LAUNCHER)
    shutil.copy(spec.stub, root / "usr/local/bin/.stub")
    for name in PROGRAMS:
        if name not in spec.host.without:
            (binaries / name).symlink_to(".stub")
    if spec.host.legacy_iptables:
        (root / LEGACY_FOLDER[1:]).mkdir()
        for name in ("iptables", "ip6tables"):
            (root / LEGACY_FOLDER[1:] / name).symlink_to("/usr/local/bin/.stub")
    for name, text in spec.stub_files.items():
        (root / "stub" / name).write_text(text)
    _make_idmap_programs(binaries)
    (root / "etc/hostname").write_text(HOSTNAME + "\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOSTNAME}\n")
    if spec.host.config is not None:
        path = root / CONFIG[1:]
        path.parent.mkdir()
        path.write_bytes(spec.host.config.encode("utf-8", "surrogateescape"))
    kernel.mount(spec.folder / "out", root / "out", None, kernel.MS_BIND)


def _make_idmap_programs(folder):
    """newuidmap and newgidmap as a rootless image has them, cap_setuid=ep and cap_setgid=ep; nobody starts them."""
    for name, capability in (("newuidmap", "SETUID"), ("newgidmap", "SETGID")):
        (folder / name).write_bytes(b"")
        os.chmod(folder / name, 0o755)
        os.setxattr(folder / name, "security.capability", struct.pack("<5I", 0x02000001, kernel.mask(capability), 0, 0, 0))


def _mount_kernel(spec):
    root = spec.folder / "root" / "root"
    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", root / "proc", "proc", safe)
    kernel.mount("sysfs", root / "sys", "sysfs", safe)
    if spec.host.cgroup == "v1":
        kernel.mount("tmpfs", root / "sys/fs/cgroup", "tmpfs", safe, "mode=755")
    else:
        kernel.mount("cgroup2", root / "sys/fs/cgroup", "cgroup2", safe)
    if spec.host.data_volume:
        (root / "var/lib/docker").mkdir()
        kernel.mount("tmpfs", root / "var/lib/docker", "tmpfs", 0, "mode=710")
    kernel.mount("tmpfs", root / "dev", "tmpfs", kernel.MS_NOSUID, "mode=755")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        os.chmod(root / "dev" / name, 0o666)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (root / "dev" / name).symlink_to(f"/proc/self/fd/{number}")
    (root / "dev/fd").symlink_to("/proc/self/fd")
    if spec.uid != 0:  # what --device gives a rootless engine
        (root / "dev/net").mkdir()
        os.mknod(root / "dev/net/tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))
        os.chmod(root / "dev/net/tun", 0o666)
    (root / "dev/pts").mkdir()
    kernel.mount("devpts", root / "dev/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    (root / "dev/shm").mkdir()
    kernel.mount("shm", root / "dev/shm", "tmpfs", safe, "mode=1777")


def _make_network():
    socket.sethostname(HOSTNAME)
    with contextlib.suppress(OSError):  # no IPv6 in this kernel; otherwise a random link-local address
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    # Not every kernel has dummy interfaces; all that run containers have veth pairs.
    commands = (f"link set lo up\nlink add eth0 type veth peer name eth0-peer\naddr add {ADDRESS}/24 dev eth0\n"
                "link set eth0 up\nlink set eth0-peer up\n")
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True, stdout=subprocess.DEVNULL)


def _enter(spec):
    os.setsid()
    os.chdir(spec.folder / "root" / "root")
    kernel.pivot_root(".", ".")
    kernel.umount(".", kernel.MNT_DETACH)
    os.chdir("/")


def _make_read_only(host):
    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    if host.sys_read_only:
        kernel.mount(None, "/sys", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | safe)
    if host.cgroup_read_only:
        kernel.mount(None, "/sys/fs/cgroup", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | safe)
    if host.proc_sys_read_only:
        kernel.mount("/proc/sys", "/proc/sys", None, kernel.MS_BIND)
        kernel.mount(None, "/proc/sys", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | safe)


def _environment(spec):
    """As a container runtime makes it: HOME is that of the user's line in /etc/passwd."""
    home = "/"
    for line in Path("/etc/passwd").read_text(errors="surrogateescape").splitlines():
        fields = line.split(":")
        if len(fields) > 5 and fields[2] == str(spec.uid):
            home = fields[5]
    return {"PATH": PATH, "HOME": home, **spec.env}


def _give_up(spec):
    if spec.host.oom_score_adj is not None:
        Path("/proc/self/oom_score_adj").write_text(str(spec.host.oom_score_adj))
    if spec.host.user_namespace:
        kernel.enter_user_namespace(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC)
    kernel.drop_from_bounding_set(spec.host.drop)
    if spec.host.no_new_privs:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    os.setgroups([])
    os.setresgid(spec.gid, spec.gid, spec.gid)
    os.setresuid(spec.uid, spec.uid, spec.uid)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # the kernel forgets it when the uid changes
