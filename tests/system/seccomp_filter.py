"""A seccomp profile as a container runtime loads it: compiled by libseccomp, for any processor, and asked what it decides."""

import ctypes
import ctypes.util
import struct
import tempfile

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
# elf(5) machine, with bits for 64 bit and little endian, as linux/audit.h puts them together.
ARCHITECTURES = {"SCMP_ARCH_X86_64": 0xC000003E, "SCMP_ARCH_X86": 0x40000003, "SCMP_ARCH_X32": 0x4000003E,
                 "SCMP_ARCH_AARCH64": 0xC00000B7, "SCMP_ARCH_ARM": 0x40000028}
GO_NAMES = {"SCMP_ARCH_X86_64": "amd64", "SCMP_ARCH_AARCH64": "arm64"}
COMPARISONS = {"SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_EQ": 4, "SCMP_CMP_GT": 6}
UNKNOWN = -1


class _Argument(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint), ("comparison", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def library():
    """libseccomp, or None."""
    found = ctypes.util.find_library("seccomp") or "libseccomp.so.2"
    try:
        loaded = ctypes.CDLL(found, use_errno=True)
    except OSError:
        return None
    loaded.seccomp_init.restype = ctypes.c_void_p
    return loaded


class Filter:
    """The filter of a profile for one processor and its sub-architectures."""

    def __init__(self, profile, architecture):
        self._library = library()
        self._token = ARCHITECTURES[architecture]
        self.refused = {}  # name -> what libseccomp said of the rule
        context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(ERRNO | profile["defaultErrnoRet"])))
        self._library.seccomp_arch_remove(context, ctypes.c_uint32(0))
        [entry] = [entry for entry in profile["archMap"] if entry["architecture"] == architecture]
        for name in (architecture, *entry["subArchitectures"]):
            assert self._library.seccomp_arch_add(context, ctypes.c_uint32(ARCHITECTURES[name])) == 0, name
        for rule in profile["syscalls"]:
            if GO_NAMES[architecture] in rule.get("includes", {}).get("arches", [GO_NAMES[architecture]]):
                self._add(context, rule)
        with tempfile.TemporaryFile() as program:
            assert self._library.seccomp_export_bpf(context, program.fileno()) == 0
            program.seek(0)
            self._program = list(struct.iter_unpack("<HBBI", program.read()))
        self._library.seccomp_release(context)

    def _add(self, context, rule):
        arguments = [_Argument(a["index"], COMPARISONS[a["op"]], a["value"], 0) for a in rule.get("args", [])]
        array = (_Argument * len(arguments))(*arguments)
        for name in rule["names"]:
            number = self._library.seccomp_syscall_resolve_name(name.encode())
            if number == UNKNOWN:  # a runtime leaves out what its libseccomp does not know
                continue
            result = self._library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(arguments), array)
            if result != 0:
                self.refused[name] = result

    def number(self, name, token=None):
        """The number of a system call on the processor, negative where there is none."""
        return self._library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(token or self._token), name.encode())

    def allows(self, name, *arguments, architecture=None):
        """Whether a program may make the call; one of the sub-architecture where that is named."""
        token = ARCHITECTURES.get(architecture, self._token)
        data = struct.pack("<iIQ6Q", self.number(name, token), token, 0, *arguments, *[0] * (6 - len(arguments)))
        return self._run(data) == ALLOW

    def _run(self, data):
        """bpf(2)'s old machine, as far as libseccomp uses it."""
        accumulator, at = 0, 0
        while True:
            code, yes, no, value = self._program[at]
            at += 1
            if code == 0x20:  # load
                [accumulator] = struct.unpack_from("<I", data, value)
            elif code == 0x54:
                accumulator &= value
            elif code == 0x05:
                at += value
            elif code == 0x06:
                return value
            else:
                test = {0x15: accumulator == value, 0x25: accumulator > value, 0x35: accumulator >= value,
                        0x45: accumulator & value}[code]
                at += yes if test else no
