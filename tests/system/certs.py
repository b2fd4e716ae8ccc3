"""A certificate store driven by certs_tool, and verifiers of it that nobody here wrote.

DIND_CERTS_TOOL   the driver of the certs layer (ctest sets it)
"""

import contextlib
import ctypes
import itertools
import os
import random
import select
import shutil
import ssl
import stat
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

TOOL = os.environ.get("DIND_CERTS_TOOL", "")
FOLDERS = ("ca", "server", "client")
FILES = ("ca/key.pem", "ca/cert.pem", "server/key.pem", "server/cert.pem", "server/ca.pem",
         "client/key.pem", "client/cert.pem", "client/ca.pem")
NAMES = ("docker", "localhost", "10.0.0.1", "::1")
DAY = 86400


without_tool = pytest.mark.skipif(not TOOL, reason="needs DIND_CERTS_TOOL, the driver of the certs layer")


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"needs the program {program}")


class Store:
    """A folder of certificates, and the program that keeps it."""

    def __init__(self, path):
        self.path = Path(path)

    def __truediv__(self, name):
        return self.path / name

    def command(self, *options, names=NAMES, now=None):
        return [TOOL, *options, *(["--now", str(int(now))] if now else []), str(self.path), *names]

    def run(self, *options, names=NAMES, now=None, around=(), timeout=20, **how):
        return subprocess.run([*around, *self.command(*options, names=names, now=now)], capture_output=True, text=True,
                              timeout=timeout, check=False, **how)

    def ensure(self, *options, **how):
        """The word for what was done: issued, kept or verified."""
        done = self.run(*options, **how)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition(":")[0]

    def notes(self, *options, **how):
        done = self.run(*options, **how)
        assert done.returncode == 0, done.stderr
        return [line.removeprefix("note: ") for line in done.stdout.splitlines() if line.startswith("note: ")]

    def bytes(self, name):
        return (self.path / name).read_bytes()

    def state(self):
        """Everything in the store: path -> what it is, down to inode and time of change. The lock alone may change."""
        found = {}
        for folder, folders, files in os.walk(self.path):
            for name in folders + files:
                path = Path(folder) / name
                info = path.lstat()
                what = [info.st_ino, stat.filemode(info.st_mode), info.st_uid, info.st_gid]
                if not stat.S_ISDIR(info.st_mode) and name != ".lock":
                    what += [info.st_mtime_ns, info.st_ctime_ns, info.st_size]
                if stat.S_ISREG(info.st_mode) and info.st_size < 1 << 20:
                    what.append(path.read_bytes())
                found[str(path.relative_to(self.path))] = what
        found.pop("ca/.lock", None)
        return found

    def contents(self):
        return {name: what[-1] for name, what in self.state().items() if isinstance(what[-1], bytes)}

    def refuse(self, *options, says, **how):
        """Runs, and expects a refusal that says all of `says`; the store stays as it was, and a preview knew it."""
        before = self.state()
        done = self.run(*options, **how)
        assert done.returncode == 1, f"{done.returncode}: {done.stdout}{done.stderr}"
        error, hint = done.stderr.splitlines()[:2]
        for words in [says] if isinstance(says, str) else says:
            assert words in error
        assert hint.startswith("hint: ") and len(hint) > 10
        after = self.state()
        for folder in FOLDERS:  # a folder may have been made on the way, a file not
            if folder not in before and folder in after:
                assert not [name for name in after if name.startswith(folder + "/")]
                after.pop(folder)
        assert after == before
        preview = self.run("--preview", *options, **how)
        assert (preview.returncode, preview.stderr) == (done.returncode, done.stderr)
        return error

    def temporaries(self):
        return [str(path) for path in self.path.rglob(".dind-*")]


@pytest.fixture
def folder():
    """A folder that users other than root can reach, too."""
    with tempfile.TemporaryDirectory(prefix="dind-certs-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def store(folder):
    return Store(folder / "certs")


# ---- what happens to a file ----

IN_ACCESS, IN_MODIFY, IN_ATTRIB, IN_OPEN, IN_DELETE_SELF = 0x1, 0x2, 0x4, 0x20, 0x400


class Watch:
    """What happens to a file, as inotify(7) tells it."""

    def __init__(self, path, mask):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._fd, os.fsencode(path), mask) >= 0, os.strerror(ctypes.get_errno())

    def events(self):
        found = []
        while select.select([self._fd], [], [], 0)[0]:
            data = os.read(self._fd, 65536)
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                found.append(mask)
                data = data[16 + length:]
        return found


# ---- verifiers that nobody here wrote ----


def openssl(*arguments, **how):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}\n{done.stderr}"
    return done.stdout


def pair_matches(certificate, key):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        return True
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            return False
        raise


def shake_hands(server, client, host):
    """A TLS handshake in memory. Both sides are (context, is server) already set up; raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server, server_side=False, server_hostname=host),
            server.wrap_bio(to_server, to_client, server_side=True)]
    done = [False, False]
    for _ in range(10):
        for i, end in enumerate(ends):
            if not done[i]:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    done[i] = True
        if all(done):
            return ends[0].version()
    raise AssertionError("the handshake does not end")


def server_context(store, ca="server/ca.pem"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store / "server/cert.pem", store / "server/key.pem")
    context.load_verify_locations(store / ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def client_context(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def assert_works(store, host="docker"):
    """Engine and client accept each other, strictly, with what is in server/ and client/."""
    assert shake_hands(server_context(store), client_context(store / "client"), host) == "TLSv1.3"


def assert_sound(store):
    """A complete store: every pair matches, chains, has its mode, and nothing temporary is left."""
    for folder in FOLDERS:
        assert pair_matches(store / folder / "cert.pem", store / folder / "key.pem"), folder
    assert_works(store)
    assert store.bytes("server/ca.pem") == store.bytes("client/ca.pem") == store.bytes("ca/cert.pem")
    assert store.temporaries() == []
    for name in FILES:
        mode = 0o600 if name in ("ca/key.pem", "server/key.pem") else 0o644
        assert stat.S_IMODE((store / name).stat().st_mode) == mode, name


# ---- certificates of the user's own ----


def make_ca(folder, subject="/CN=my-own-ca", days=30, key="rsa:2048", more=("basicConstraints=critical,CA:TRUE",)):
    folder.mkdir(parents=True, exist_ok=True)
    extensions = itertools.chain.from_iterable(("-addext", line) for line in
                                               (*more, "keyUsage=critical,digitalSignature,keyCertSign"))
    openssl("req", "-x509", "-newkey", key, "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
            "-subj", subject, "-days", days, "-config", "/dev/stdin", *extensions,
            input="[req]\ndistinguished_name=dn\n[dn]\n")


def make_leaf(folder, ca, subject="/CN=srv", days=20, usage="serverAuth", names="DNS:docker", key="rsa:2048"):
    folder.mkdir(parents=True, exist_ok=True)
    request = openssl("req", "-newkey", key, "-nodes", "-keyout", folder / "key.pem", "-subj", subject)
    lines = [f"extendedKeyUsage={usage}", "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
    lines += [f"subjectAltName={names}"] if names else []
    with tempfile.NamedTemporaryFile("w", suffix=".ext") as extensions:
        extensions.write("\n".join(lines))
        extensions.flush()
        openssl("x509", "-req", "-CA", ca / "cert.pem", "-CAkey", ca / "key.pem", "-set_serial", random.getrandbits(64),
                "-out", folder / "cert.pem", "-days", days, "-extfile", extensions.name, input=request)


def make_trio(store, **how):
    """A server trio from a CA that is elsewhere."""
    ca = store.path.parent / "users-ca"
    if not ca.exists():
        make_ca(ca)
    make_leaf(store / "server", ca, **how)
    shutil.copy(ca / "cert.pem", store / "server/ca.pem")
    return ca


def make_old_store(store, names, strict):
    """What the old entrypoint makes by openssl(1), with keys that take less time; `strict`: its newer versions."""
    for folder in FOLDERS:
        (store / folder).mkdir(parents=True)
        openssl("genrsa", "-out", store / folder / "key.pem", "2048")
    usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"] if strict else []
    openssl("req", "-new", "-key", store / "ca/key.pem", "-out", store / "ca/cert.pem", "-subj", "/CN=docker:dind CA", "-x509",
            "-days", "825", *usage)
    for folder, lines in (("server", ["subjectAltName=" + names] + ["extendedKeyUsage=serverAuth"] * strict),
                          ("client", ["extendedKeyUsage=clientAuth"])):
        here = store / folder
        openssl("req", "-new", "-key", here / "key.pem", "-out", here / "csr.pem", "-subj", f"/CN=docker:dind {folder}")
        (here / "openssl.cnf").write_text("\n".join(["[ x509_exts ]", *lines, ""]))
        openssl("x509", "-req", "-in", here / "csr.pem", "-CA", store / "ca/cert.pem", "-CAkey", store / "ca/key.pem",
                "-CAcreateserial", "-out", here / "cert.pem", "-days", "825", "-extfile", here / "openssl.cnf",
                "-extensions", "x509_exts")
        shutil.copy(store / "ca/cert.pem", here / "ca.pem")
    os.chmod(store / "client/key.pem", 0o644)


def as_secret(folder):
    """Turns a folder into what Kubernetes mounts for a Secret: links to links into a folder beside them."""
    data = folder / "..2026_11_24"
    data.mkdir()
    for path in [path for path in folder.iterdir() if path.suffix == ".pem"]:
        path.rename(data / path.name)
        path.symlink_to(f"..data/{path.name}")
    (folder / "..data").symlink_to(data.name)
