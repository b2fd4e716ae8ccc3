"""What the engine really gets: capabilities, environment, descriptors, signals, limits, as it reads them from the kernel."""

import signal

import kernel
import pytest
from sandbox import NO_TLS, PATH, ROOTLESS, ROOTLESS_SETUP, Host

HOSTS = kernel.bounding_set()
NOT_IN_DEFAULT = kernel.mask("SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "MAC_OVERRIDE", "MAC_ADMIN", "WAKE_ALARM",
                             "BLOCK_SUSPEND", "AUDIT_READ", "DAC_READ_SEARCH")
STRICT = kernel.mask("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
                     "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE")
DEFAULT = HOSTS & ~NOT_IN_DEFAULT


def only_start(result, name="dockerd"):
    assert result.exit == 0, result
    started = result.started(name)
    assert started, result
    return started


def check_capabilities(started, held):
    names = ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")
    assert {name: hex(started.bits(name)) for name in names} == {
        "CapBnd": hex(held), "CapPrm": hex(held), "CapEff": hex(held), "CapInh": "0x0", "CapAmb": "0x0"}
    assert started.status["NoNewPrivs"] == "0"


# ---- capabilities ----


@pytest.mark.parametrize("profile, held", [("compat", HOSTS), ("default", DEFAULT), ("strict", HOSTS & STRICT)])
def test_a_profile_leaves_exactly_its_capabilities(sandbox, profile, held):
    check_capabilities(only_start(sandbox.run(env={**NO_TLS, "DIND_CAPABILITIES_PROFILE": profile})), held)


def test_the_default_is_the_profile_default(sandbox):
    check_capabilities(only_start(sandbox.run(env=NO_TLS)), DEFAULT)


def test_the_strict_profile_is_seventeen_capabilities():
    assert STRICT == 0xA82C35FB


@pytest.mark.parametrize("yaml, held", [
    ("profile: default\n  keep: [SYS_TIME, CAP_SYS_MODULE]", DEFAULT | HOSTS & kernel.mask("SYS_TIME", "SYS_MODULE")),
    ("profile: default\n  drop: [syslog, NET_BROADCAST]", DEFAULT & ~kernel.mask("SYSLOG", "NET_BROADCAST")),
    ("profile: strict\n  keep: [SYS_NICE]\n  drop: [SYS_PTRACE]",
     HOSTS & (STRICT | kernel.mask("SYS_NICE")) & ~kernel.mask("SYS_PTRACE")),
    ("profile: compat\n  drop: [MAC_ADMIN]", HOSTS & ~kernel.mask("MAC_ADMIN")),
], ids=["keep", "drop", "keep-and-drop", "drop-of-compat"])
def test_keep_and_drop_change_a_profile(sandbox, yaml, held):
    result = sandbox.run(env=NO_TLS, host=Host(config=f"capabilities:\n  {yaml}\n"))
    check_capabilities(only_start(result), held)


def test_keep_gives_nothing_that_the_container_lacks(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_CAPABILITIES_KEEP": "SYS_TIME"}, host=Host(drop=("SYS_TIME",)))
    check_capabilities(only_start(result), DEFAULT)


@pytest.mark.parametrize("profile, held", [("compat", HOSTS), ("default", DEFAULT)])
def test_nothing_stays_inheritable_or_ambient(sandbox, profile, held):
    """Engines before 20.10.14 start containers with inheritable capabilities."""
    result = sandbox.run(env={**NO_TLS, "DIND_CAPABILITIES_PROFILE": profile}, around="""
        exec setpriv --inh-caps=+net_admin,+sys_time --ambient-caps=+net_admin,+sys_time "$@" """)
    check_capabilities(only_start(result), held)


@pytest.mark.parametrize("init", ["builtin", "docker-init", "none"])
def test_every_init_gives_the_engine_the_same_capabilities(sandbox, init):
    check_capabilities(only_start(sandbox.run(env={**NO_TLS, "DIND_INIT": init})), DEFAULT)


def test_a_rootless_engine_has_no_capability_outside_of_the_bounding_set(sandbox):
    started = only_start(sandbox.run(env=NO_TLS, **ROOTLESS), "rootlesskit")
    assert started.bits("CapBnd") == HOSTS, "only root may shrink it, and newuidmap needs two of it"
    assert [started.bits(name) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")] == [0, 0, 0, 0]
    assert started.status["NoNewPrivs"] == "0", "newuidmap must be able to gain its privilege"
    assert started.status["Uid"].split() == ["2000"] * 4


def test_a_rootless_start_loses_ambient_capabilities(sandbox):
    setup = ROOTLESS_SETUP + "mkdir dev/net && mknod -m 666 dev/net/tun c 10 200"
    result = sandbox.run(env={**NO_TLS, "HOME": "/home/rootless"}, setup=setup, around="""
        exec setpriv --reuid=2000 --regid=2000 --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin "$@" """)
    started = only_start(result, "rootlesskit")
    assert [started.bits(name) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")] == [0, 0, 0, 0]


# ---- environment ----


def test_the_environment_passes_through_unchanged_but_for_the_word_container(sandbox):
    env = {**NO_TLS, "LANG": "de_DE.UTF-8", "TEXT": 'two words, "quotes" = and\na line', "EMPTY": "", "RAW": "\udcff\udcfe",
           "http_proxy": "http://proxy:3128", "DOCKER_DRIVER": "overlay2", "container": "podman"}
    started = only_start(sandbox.run(env=env))
    assert started.env == {**env, "PATH": PATH, "HOME": "/root", "container": "docker"}


def test_a_rootless_engine_is_told_its_home_and_runtime_folder(sandbox):
    started = only_start(sandbox.run(env={**NO_TLS, "LANG": "C"}, **ROOTLESS))
    assert started.env.pop("ROOTLESSKIT_STATE_DIR") == "/run/user/2000/dockerd-rootless"
    assert started.env == {**NO_TLS, "LANG": "C", "PATH": PATH, "HOME": "/home/rootless", "XDG_RUNTIME_DIR": "/run/user/2000"}


@pytest.mark.parametrize("args, env, kept", [
    ([], NO_TLS, False),
    (["dockerd"], NO_TLS, False),
    ([], {"DOCKER_TLS_CERTDIR": "/certs"}, True),
    (["dockerd"], {"DOCKER_TLS_CERTDIR": "/certs"}, True),
    ([], {"DIND_API_TCP_ENABLED": "false"}, False),
    ([], {"DIND_TLS_DIR": ""}, False),
    ([], {"DIND_TLS_DIR": "", "DIND_API_PLAINTEXT": "true"}, False),
], ids=["tls-off", "explicit-tls-off", "tls", "explicit-tls", "no-tcp", "unix-only", "plaintext"])
def test_docker_tls_verify_is_hidden_from_an_engine_without_tls(sandbox, args, env, kept):
    """dockerd reads it too, and would look for certificates that are not there."""
    started = only_start(sandbox.run(args, {**env, "DOCKER_TLS_VERIFY": "1"}))
    assert ("DOCKER_TLS_VERIFY" in started.env) == kept


def test_without_path_the_usual_one_is_used_and_handed_on(sandbox):
    started = only_start(sandbox.run(env=NO_TLS, around='exec env -u PATH /usr/local/bin/"$@"'))
    assert started.env["PATH"] == PATH


# ---- descriptors ----


@pytest.mark.parametrize("init", ["builtin", "none"])
def test_the_engine_inherits_only_the_standard_descriptors(sandbox, init):
    result = sandbox.run(env={"DIND_INIT": init}, around="""
        exec bash -c 'exec "$@" 7</etc/passwd 9>/tmp/nine 300</' bash "$@" """)
    assert sorted(only_start(result).descriptors) == [0, 1, 2]


def test_kernels_without_close_range_leave_no_descriptor_open_either(sandbox):
    result = sandbox.run(env=NO_TLS, around="""
        exec 7</etc/passwd
        exec strace -f -o /out/trace -e trace=close_range -e inject=close_range:error=ENOSYS "$@" """)
    assert "INJECTED" in result.out("trace")
    assert sorted(only_start(result).descriptors) == [0, 1, 2]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("init", ["builtin", "none"])
def test_closed_standard_descriptors_become_dev_null(sandbox, closed, init):
    """Otherwise the next file that is opened takes their number, and the engine's messages would go into it."""
    started = only_start(sandbox.run(env={"DIND_INIT": init}, around=f'exec "$@" {closed}'))
    assert sorted(started.descriptors) == [0, 1, 2]
    numbers = {"<&-": [0], ">&-": [1], "2>&-": [2]}.get(closed, [0, 1, 2])
    assert [started.descriptors[number] for number in numbers] == ["/dev/null"] * len(numbers)


# ---- the rest of what a process inherits ----


@pytest.mark.parametrize("init", ["builtin", "none"])
@pytest.mark.parametrize("uid", [0, 2000])
def test_signals_are_as_a_program_expects_them(sandbox, init, uid):
    who = ROOTLESS if uid else {}
    result = sandbox.run(env={**NO_TLS, "DIND_INIT": init}, **who, around="""
        exec env --block-signal=TERM --block-signal=USR1 --ignore-signal=HUP --ignore-signal=PIPE "$@" """)
    started = only_start(result)
    assert [started.bits(name) for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd")] == [0, 0, 0, 0, 0]


def test_a_scratch_root_takes_over_no_signals_of_whoever_runs_the_tests(sandbox):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGQUIT})
    try:
        result = sandbox.run(env=NO_TLS, setup="cat /proc/self/status > /out/setup", around='cat /proc/self/status > /out/first; "$@"')
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for name in ("setup", "first"):
        signals = {line.split()[1] for line in result.out(name).splitlines() if line.startswith(("SigBlk", "SigIgn"))}
        assert signals == {"0" * 16}, name


@pytest.mark.parametrize("init", ["builtin", "none"])
def test_limits_umask_and_working_folder_are_handed_on(sandbox, init):
    result = sandbox.run(env={"DIND_INIT": init}, cwd="/etc", around="""
        ulimit -S -n 5000
        ulimit -c 0
        umask 027
        cat /proc/self/limits > /out/before
        exec "$@" """)
    started = only_start(result)
    assert started.limits == result.out("before")
    assert started.status["Umask"] == "0027"
    assert started.cwd == "/etc"


@pytest.mark.parametrize("umask", ["077", "000"])
def test_the_umask_of_the_container_does_not_reach_our_own_files(sandbox, umask):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", "DIND_DAEMON": '{"debug": true}'},
                         around=f'umask {umask}; exec "$@"', look="""
        stat -c '%a %n' /certs /certs/* /certs/*/* /run/dind /run/dind/* > /out/modes""")
    only_start(result)
    assert result.out("modes").splitlines() == [
        "755 /certs", "700 /certs/ca", "755 /certs/client", "755 /certs/server",
        "644 /certs/ca/cert.pem", "600 /certs/ca/key.pem",
        "644 /certs/client/ca.pem", "644 /certs/client/cert.pem", "644 /certs/client/key.pem",
        "644 /certs/server/ca.pem", "644 /certs/server/cert.pem", "600 /certs/server/key.pem",
        "755 /run/dind", "644 /run/dind/boot.json", "600 /run/dind/daemon.json", "644 /run/dind/instance.json"]
