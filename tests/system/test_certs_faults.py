"""No start of the certificate store, however it ends and whoever disturbs it, leaves a reader with files that do not belong
together, and none reads or writes outside."""

import contextlib
import errno
import hashlib
import itertools
import multiprocessing
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from certs import (DAY, FILES, FOLDERS, IN_ACCESS, IN_ATTRIB, IN_DELETE_SELF, IN_MODIFY, IN_OPEN, Store, Watch, assert_sound, folder,
                   needs, pair_matches, store, without_tool)

pytestmark = without_tool


@pytest.fixture
def memory():
    """A folder in memory: hundreds of runs need not wait for a disk."""
    with tempfile.TemporaryDirectory(prefix="dind-certs-", dir="/dev/shm") as name:
        yield Path(name)


# ---- many at once ----


def test_a_hundred_first_starts_at_once_end_in_one_store(store):
    starts = [subprocess.Popen(store.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(100)]
    words = []
    for start in starts:
        out, err = start.communicate(timeout=60)
        assert start.returncode == 0, err
        words.append(out.partition(":")[0])
    assert sorted(set(words)) == ["issued", "kept"]
    assert words.count("issued") == 1
    assert_sound(store)
    before = store.state()
    assert store.ensure() == "kept"
    assert store.state() == before


def test_looks_beside_replacements_refuse_nothing(store):
    """Those who only look hold no lock: whatever they see in the middle of a change is no reason to refuse."""
    store.ensure()
    end = multiprocessing.Event()

    def change():
        for algorithm in itertools.cycle(("ed25519", "ecdsa-p256")):
            if end.is_set():
                return
            store.ensure("--key", algorithm)
            for number in range(8):
                store.ensure(names=(f"name-{algorithm}-{number}",))

    changer = multiprocessing.Process(target=change)
    changer.start()
    try:
        for _ in range(300):
            store.ensure("--preview", names=())
    finally:
        end.set()
        changer.join()
    assert changer.exitcode == 0
    store.ensure()
    assert_sound(store)


def slow_to_look_at(path):
    """What delays a run between opening that file and asking what it has opened."""
    return ["strace", "-f", "-o", "/dev/null", "-P", str(path), "-e", "inject=fstat,newfstatat:delay_enter=300000:when=1"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_replaced_while_it_is_read_is_read_again(store, name):
    """An open file without a name is not a file of somebody's that was put there."""
    needs("strace")
    store.ensure()
    end = multiprocessing.Event()

    def replace():
        content = store.bytes(name)
        while not end.is_set():
            (store / "new").write_bytes(content)
            os.chmod(store / "new", stat.S_IMODE((store / name).stat().st_mode))
            os.rename(store / "new", store / name)
            time.sleep(0.01)

    replacer = multiprocessing.Process(target=replace)
    replacer.start()
    try:
        assert store.ensure("--preview", around=slow_to_look_at(store / name)) == "kept"
    finally:
        end.set()
        replacer.join()


# ---- ends in the middle ----

CHANGING = ("openat", "openat2", "mkdirat", "write", "fsync", "fchown", "fchmod", "renameat", "unlinkat")


def changing_calls(store, *options, **how):
    """Every call of a run that changes files: (name, which one of that name, its arguments)."""
    log = store.path.parent / "strace.log"
    done = store.run(*options, around=["strace", "-f", "-y", "-o", log, "-e", "trace=" + ",".join(CHANGING)], **how)
    assert done.returncode == 0, done.stderr
    counts, calls = dict.fromkeys(CHANGING, 0), []
    for line in log.read_text().splitlines():
        found = re.match(r"\d+ +(\w+)\((.*)", line)
        if not found or found[1] not in counts:
            continue
        counts[found[1]] += 1
        opens = found[1].startswith("open")
        prints = found[1] == "write" and found[2].startswith(("1<", "2<"))
        if not prints and (not opens or "O_CREAT" in found[2]):
            calls.append((found[1], counts[found[1]], found[2]))
    return calls


def with_fault(name, number, what):
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}",
            "-e", f"inject={name}:{what}:when={number}"]


class Reader:
    """A client that reads client/ over and over, in the order in which the docker CLI does, while something else changes it."""

    # How long a reader may take between its first and its last file: the store waits longer before a new key appears.
    PATIENCE = 0.025

    def __init__(self, store, client="client"):
        self._client, self._store = store / client, store
        self._live = multiprocessing.Value("l", 0)  # odd: what is there may be judged
        self._end = multiprocessing.Event()
        self._results, results = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.Process(target=self._read, args=(results,))
        self._process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end.set()
        self.looks, self.complete, self.wrong = self._results.recv()
        self._process.join()

    @contextlib.contextmanager
    def watching(self):
        self._live.value += 1
        yield
        self._live.value += 1

    def _read(self, results):
        looks = complete = 0
        wrong, known = [], {}
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            while not self._end.is_set():
                live = self._live.value
                if live % 2 == 0:
                    time.sleep(0.0005)
                    continue
                begun, files = time.monotonic(), []
                for name in ("ca.pem", "cert.pem", "key.pem"):
                    try:
                        files.append((self._client / name).read_bytes())
                    except FileNotFoundError:
                        files.append(None)
                late = time.monotonic() - begun > self.PATIENCE
                time.sleep(0.0002)
                if live != self._live.value:
                    continue
                looks += 1
                if any(data is not None and not re.fullmatch(rb"(-----BEGIN [A-Z ]+-----\n[^-]+-----END [A-Z ]+-----\n)+", data)
                       for data in files):
                    wrong.append(f"half a file: {files}")
                if None in files or late:
                    continue
                complete += 1
                digest = hashlib.sha256(b"\0".join(files)).digest()
                if digest not in known:
                    known[digest] = problem_of_client_files(Path(folder), files)
                    if known[digest]:
                        wrong.append(known[digest])
        results.send((looks, complete, wrong))


def problem_of_client_files(folder, files):
    """What is wrong with the content of (ca.pem, cert.pem, key.pem), or None."""
    for name, data in zip(("ca.pem", "cert.pem", "key.pem"), files):
        (folder / name).write_bytes(data)
    if not pair_matches(folder / "cert.pem", folder / "key.pem"):
        return "the key is not that of the certificate"
    done = subprocess.run(["openssl", "verify", "-no_check_time", "-CAfile", folder / "ca.pem", folder / "cert.pem"],
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr


def leaves(store):
    """server, client and the folders of clients by name that are there."""
    return ["server", "client", *(f"clients/{path.name}" for path in (store / "clients").glob("*"))]


def assert_no_lie(store, known={}):
    """What holds at every instant: a client's ca.pem is there only with a pair that it vouches for, no pair is mixed, no key is
    wide."""
    def content(name):
        try:
            return store.bytes(name)
        except FileNotFoundError:
            return None

    for client in leaves(store)[1:]:
        files = [content(f"{client}/{name}") for name in ("ca.pem", "cert.pem", "key.pem")]
        if files[0] is None:
            continue
        assert None not in files, "clients wait for ca.pem: it must come last"
        digest = hashlib.sha256(b"\0".join(files)).digest()
        if digest not in known:
            with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                known[digest] = problem_of_client_files(Path(folder), files)
        assert known[digest] is None
    for folder in leaves(store):
        if content(f"{folder}/cert.pem") and content(f"{folder}/key.pem"):
            assert pair_matches(store / folder / "cert.pem", store / folder / "key.pem"), f"a mixed pair in {folder}/"
    for folder in ("ca", "server", *leaves(store)[2:]):
        for path in (store / folder).iterdir() if (store / folder).is_dir() else []:
            if b"PRIVATE" in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) & ~MODES.get(folder, 0o600) == 0, path


def assert_complete(store, options, where):
    """What a start leaves when it is through."""
    keyless = "--no-ca-key" in options
    assert (store / "ca/key.pem").exists() != keyless, where
    names = [words.split(",")[0] for option, words in zip(options, options[1:]) if option == "--client"]
    for place in [*FOLDERS, *(f"clients/{name}" for name in names)]:
        if place != "ca" or not keyless:
            assert pair_matches(store / place / "cert.pem", store / place / "key.pem"), f"{place} {where}"
        if place.startswith("clients/"):
            assert stat.S_IMODE((store / place / "key.pem").stat().st_mode) == MODES[place], where
    assert_no_lie(store)
    assert store.temporaries() == [], where


CI, BOB = ("--client", "ci,,4321,0640"), ("--client", "bob")
MODES = {"clients/ci": 0o640, "clients/bob": 0o600}

# What is done to a store: the options that it began with (None: it did not), those of now, and the days in between.
CHANGES = {
    "a first start": (None, (), 0),
    "a renewal of everything": ((), (), 2500),
    "new keys": (CI, ("--key", "ed25519", *CI), 0),
    "a new owner": ((), ("--owner", "4321"), 0),
    "clients by name, and no CA key": (CI, ("--no-ca-key", *CI, *BOB), 0),
}
DONE = ("issued", "kept", "verified")


def prepared(folder, change):
    """The store, how it is before the change, and the change as options and time."""
    begun, options, days = CHANGES[change]
    origin = Store(folder / "origin")
    if begun is None:
        origin.path.mkdir()
    else:
        origin.ensure(*begun, now=time.time() - DAY)
    return Store(folder / "certs"), origin, options, int(time.time()) + days * DAY


def reset(store, origin):
    shutil.rmtree(store.path, ignore_errors=True)
    subprocess.run(["cp", "-a", origin.path, store.path], check=True)


@pytest.mark.parametrize("change", CHANGES)
def test_a_kill_at_any_call_leaves_a_store_that_the_next_start_completes(memory, change):
    needs("strace")
    store, origin, options, now = prepared(memory, change)
    reset(store, origin)
    calls = changing_calls(store, *options, now=now)
    assert len(calls) > 20
    client = "clients/ci" if change == "new keys" else "client"
    with Reader(store, client) as reader:
        for name, number, arguments in calls:
            reset(store, origin)
            with reader.watching():
                killed = store.run(*options, now=now, around=with_fault(name, number, "signal=KILL"))
                assert killed.returncode == -signal.SIGKILL, f"{name} {number} was never called"
                assert_no_lie(store)
                word = store.ensure(*options, now=now)
            assert word in DONE, f"{name}({arguments}"
            assert_complete(store, options, f"after {name}({arguments}")
            assert {stat.S_IMODE((store / place).stat().st_mode) for place in leaves(store)} == {0o755}
            assert store.ensure(*options, now=now) in DONE[1:], f"{name}({arguments}"
    assert reader.wrong == []
    assert reader.complete > 0
    print(f"{len(calls)} calls, {reader.looks} looks, {reader.complete} of them complete")


ERRORS = {
    "openat": ("ENOSPC", "EROFS"), "openat2": ("ENOSPC", "EIO"), "mkdirat": ("ENOSPC", "EROFS"), "write": ("ENOSPC", "EIO"),
    "fsync": ("EIO",), "fchown": ("EPERM",), "fchmod": ("EROFS",), "renameat": ("ENOSPC", "EIO"), "unlinkat": ("EROFS", "EIO"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_error_of_any_call_is_told_and_leaves_no_lie_and_no_temporary_file(memory, change):
    needs("strace")
    store, origin, options, now = prepared(memory, change)
    reset(store, origin)
    calls = changing_calls(store, *options, now=now)
    first_change = next(i for i, (name, _, arguments) in enumerate(calls)
                        if name == "unlinkat" or (name == "renameat" and not re.search(r'\.tmp", [^,]+, "\.dind-', arguments)))
    for i, (name, number, arguments) in enumerate(calls):
        for error in ERRORS[name]:
            reset(store, origin)
            done = store.run(*options, now=now, around=with_fault(name, number, f"error={error}"))
            where = f"{error} from {name}({arguments}: {done.stdout}{done.stderr}"
            # A folder is synced once more when its files have got their names, and that is the time that counts.
            early_sync = i < first_change and name == "fsync" and "/.dind-" not in arguments
            if name == "fsync" and i + 1 < len(calls) and calls[i + 1][0] == name:
                early_sync = early_sync or arguments.partition("<")[2] == calls[i + 1][2].partition("<")[2]
            assert done.returncode == (0 if early_sync else 1), where
            says = rf"error: certs: {store.path}\S*: .*{os.strerror(getattr(errno, error))}\nhint"
            assert early_sync or re.match(says, done.stderr), where
            assert store.temporaries() == [], where
            if i < first_change and not early_sync:
                assert store.contents() == origin.contents(), where
                continue
            assert_no_lie(store)
            assert store.ensure(*options, now=now) in DONE
            assert_complete(store, options, where)


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_told_and_nothing_of_another_run_is_swept(store, error):
    needs("strace")
    (store / "server").mkdir(parents=True)
    (store / "server/.dind-0123456789abcdef.tmp").write_text("another run's")
    unlocked = with_fault("flock", "1+", f"error={error}")
    assert store.notes(around=unlocked) == [f"{store.path} is on a file system without locks: start one daemon at a time on it"]
    assert len(store.temporaries()) == 1
    assert store.notes(around=unlocked) == []
    assert store.ensure(names=("new-name",)) == "issued"
    assert store.temporaries() == []


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_a_kernel_or_a_filter_without_openat2_makes_no_difference(store, folder, error):
    needs("strace")
    old = with_fault("openat2", "1+", f"error={error}")
    assert store.ensure(around=old) == "issued"
    assert_sound(store)
    assert store.ensure(around=old) == "kept"
    secret = folder / "secret"
    secret.write_text("a secret")
    (store / "client/key.pem").unlink()
    (store / "client/key.pem").symlink_to(secret)
    watch = Watch(secret, IN_OPEN | IN_ACCESS | IN_MODIFY)
    assert store.ensure(around=old) == "issued"
    assert watch.events() == []
    assert_sound(store)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_disk_does_not_give_is_not_taken_for_missing(store, name):
    """An error of the disk says nothing about the file: a key that is not read must not be replaced."""
    needs("strace")
    store.ensure()
    fault = ["strace", "-f", "-o", "/dev/null", "-P", str(store / name), "-e", "inject=read:error=EIO"]
    before = store.state()
    done = store.run(around=fault)
    assert done.returncode == 1
    assert f"{store.path}/{name}: Input/output error" in done.stderr
    assert store.state() == before


# ---- a hostile client ----

def attack(client, secret, linked, end, traps):
    """Somebody who may write in client/ and races with whoever writes there, temporary files included."""
    chance = random.Random(7)
    while not end.is_set():
        time.sleep(chance.choice((0, 0, 0, 0.02)))
        with contextlib.suppress(OSError):
            names = [*os.listdir(client), "key.pem", "cert.pem", "ca.pem"]
            name, trap = chance.choice(names), f"{client}/trap-{traps.value}"
            traps.value += 1
            kind = chance.randrange(5)
            if kind == 0:
                os.symlink(secret, trap)
            elif kind == 1:
                os.link(linked, trap)
            elif kind == 2:
                os.mkfifo(trap)
            elif kind == 3:
                os.symlink("../ca/key.pem", trap)
            else:
                os.unlink(f"{client}/{name}")
                continue
            os.rename(trap, f"{client}/{name}")


@pytest.mark.parametrize("name", ["client/key.pem", "client/cert.pem", "client/ca.pem"])
def test_a_hard_link_that_is_gone_once_it_is_open_is_not_read(store, folder, name):
    needs("strace")
    store.ensure()
    secret = folder / "secret"
    secret.write_text("a secret")
    os.rename(store / name, folder / "real")
    os.link(secret, store / name)
    read = Watch(secret, IN_ACCESS | IN_MODIFY)
    look = subprocess.Popen([*slow_to_look_at(store / name), *store.command("--preview")], stdout=subprocess.PIPE, text=True)
    time.sleep(0.15)
    os.rename(folder / "real", store / name)
    assert secret.stat().st_nlink == 1
    out, _ = look.communicate(timeout=20)
    assert out.startswith("kept")
    assert read.events() == []


@pytest.mark.parametrize("where", ["client", "clients/ci", "../shared/ci"])
def test_a_hostile_client_makes_nobody_read_or_write_outside(store, folder, where):
    """In the folder that everybody shares, in one of its own, and in one whose place it can take away, too."""
    option = () if where == "client" else ("--client", f"ci,{folder / 'shared/ci' if where.startswith('..') else ''},4321")
    store.ensure(*option)
    client = (store / where).resolve()
    secret, linked = folder / "secret", folder / "linked"
    for path in (secret, linked):
        path.write_text("a secret")
        os.chmod(path, 0o640)
    end, traps = multiprocessing.Event(), multiprocessing.Value("l", 0)
    attacker = multiprocessing.Process(target=attack, args=(str(client), str(secret), str(linked), end, traps))
    others = {name: store.bytes(name) for name in FILES if name.startswith(("ca/", "server/key", "server/ca"))}
    # A hard link is opened to be looked at; the attacker's own link(2) and rename(2) change its attributes.
    followed = Watch(secret, IN_OPEN | IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF)
    read = Watch(linked, IN_ACCESS | IN_MODIFY | IN_DELETE_SELF)
    attacker.start()
    words = []
    try:
        for number in range(80 if where == "client" else 40):
            done = store.run(*option, names=(f"name-{number}",), timeout=20)
            assert done.returncode in (0, 1), done.stderr
            says = rf"error: certs: {client}/\S+: .+\nhint: .+"
            assert done.returncode == 0 or re.match(says, done.stderr), done.stderr
            words.append(done.stdout.partition(":")[0])
    finally:
        end.set()
        attacker.join()
    assert followed.events() == [] and read.events() == []
    assert traps.value > 100
    print(f"{traps.value} traps; {words.count('issued')} of {len(words)} runs went through")
    for path in (secret, linked):
        assert path.read_text() == "a secret"
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert path.stat().st_uid == 0
    assert {name: store.bytes(name) for name in others} == others
    for path in client.iterdir():  # the attacker's traps under names that nobody else uses
        if path.name not in ("key.pem", "cert.pem", "ca.pem"):
            path.unlink()
    store.ensure(*option)
    assert_sound(store)
    assert pair_matches(client / "cert.pem", client / "key.pem")


def swap(place, elsewhere, end):
    """Somebody who may write above a client's folder, and puts a link in its place for moments."""
    while not end.is_set():
        with contextlib.suppress(OSError):
            os.rename(place, f"{place}.away")
            os.symlink(elsewhere, place)
            time.sleep(0.0005)
            os.unlink(place)
        with contextlib.suppress(OSError):
            os.rename(f"{place}.away", place)
            time.sleep(0.0005)


def test_a_client_folder_that_turns_into_a_link_leads_nobody_elsewhere(store, folder):
    shared, elsewhere = folder / "shared", folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "key.pem").write_text("a secret")
    option = ("--client", f"ci,{shared / 'ci'},4321")
    store.ensure(*option)
    end = multiprocessing.Event()
    read = Watch(elsewhere / "key.pem", IN_OPEN | IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF)
    swapper = multiprocessing.Process(target=swap, args=(str(shared / "ci"), str(elsewhere), end))
    swapper.start()
    try:
        words = [store.run("--renew", *option).returncode for _ in range(60)]
    finally:
        end.set()
        swapper.join()
    assert set(words) <= {0, 1}
    assert read.events() == []
    assert [path.name for path in elsewhere.iterdir()] == ["key.pem"]
    assert access_of(elsewhere) == (0, 0, 0o755) and access_of(elsewhere / "key.pem") == (0, 0, 0o644)
    print(f"{words.count(0)} of {len(words)} runs went through")


def access_of(path):
    info = path.stat()
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)
