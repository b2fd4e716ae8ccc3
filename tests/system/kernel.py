"""The system calls that Python has no name for."""

import ctypes
import os
import platform
import signal
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38

# capabilities(7), in the order of their numbers.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()

_libc = ctypes.CDLL(None, use_errno=True)
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def _check(result, *what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), " ".join(str(w) for w in what))


def unshare(flags):
    _check(_libc.unshare(flags), "unshare", hex(flags))


def mount(source, target, kind=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    _check(_libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)),
           "mount", source, target)


def umount(target, flags=0):
    _check(_libc.umount2(os.fsencode(target), flags), "umount", target)


def pivot_root(new, old):
    _check(_libc.syscall(_PIVOT_ROOT[platform.machine()], os.fsencode(new), os.fsencode(old)), "pivot_root", new)


def prctl(option, argument):
    _check(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), "prctl", option, argument)


def mask(*names):
    """The bit mask of capabilities named as in CAPABILITIES."""
    return sum(1 << CAPABILITIES.index(name) for name in names)


def bounding_set(status_path="/proc/self/status"):
    with open(status_path, encoding="ascii") as file:
        for line in file:
            if line.startswith("CapBnd:"):
                return int(line.split()[1], 16)
    raise ValueError(status_path)


def enter_user_namespace(flags, ids=65536):
    """A user namespace in which root and the ids below `ids` are themselves, and with it the namespaces of `flags`."""
    read_end, write_end = os.pipe()
    parent = os.getpid()
    writer = os.fork()
    if writer == 0:  # a map of more than one's own id is written from outside
        os.read(read_end, 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{parent}/{name}", "w", encoding="ascii") as file:
                file.write(f"0 0 {ids}")
        os._exit(0)
    unshare(CLONE_NEWUSER | flags)
    os.write(write_end, b"!")
    if os.waitpid(writer, 0)[1] != 0:
        raise OSError("the maps of the user namespace could not be written")
    os.close(read_end)
    os.close(write_end)


def drop_from_bounding_set(names):
    present = bounding_set()
    for name in names:
        if present & mask(name):
            prctl(PR_CAPBSET_DROP, CAPABILITIES.index(name))


_PTRACE_POKEUSER, _PTRACE_CONT, _PTRACE_ATTACH, _PTRACE_SYSCALL, _PTRACE_SETREGSET = 6, 7, 16, 24, 0x4205
_ORIG_RAX = 15 * 8  # in struct user_regs_struct
_NT_ARM_SYSTEM_CALL = 0x404
SYSCALLS = {"x86_64": {"openat": 257, "execve": 59, "clone": 56, "socket": 41, "mmap": 9, "write": 1, "getpid": 39},
            "aarch64": {"openat": 56, "execve": 221, "clone": 220, "socket": 198, "mmap": 222, "write": 64, "getpid": 172},
            }[platform.machine()]


def ask_in(pid, name):
    """Another process makes this system call in place of the next one of its own. Returns what came of it: a wait status."""
    def ptrace(request, address=0, data=0):
        if _libc.ptrace(ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(address), ctypes.c_void_p(data)) == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), f"ptrace {request}")

    ptrace(_PTRACE_ATTACH)
    os.waitpid(pid, 0)
    ptrace(_PTRACE_SYSCALL)
    os.waitpid(pid, 0)  # on its way into the next one
    number = ctypes.c_int(SYSCALLS[name])
    if platform.machine() == "x86_64":
        ptrace(_PTRACE_POKEUSER, _ORIG_RAX, number.value)
    else:
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(number), ctypes.sizeof(number))
        ptrace(_PTRACE_SETREGSET, _NT_ARM_SYSTEM_CALL, ctypes.addressof(vector))
    ptrace(_PTRACE_CONT)
    for _ in range(500):
        if (ended := os.waitpid(pid, os.WNOHANG))[0]:  # of a death the tracer is told before the parent
            return ended[1]
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 0
