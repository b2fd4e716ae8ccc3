"""Any other command than dockerd: it runs as a client of an engine, with the environment that leads there."""

import signal

import pytest
from sandbox import NO_TLS, ROOTLESS_SETUP, Host

CLIENT_CERTIFICATES = "mkdir -p certs/client; for name in ca cert key; do echo x > certs/client/$name.pem; done"
SHOW = ["sh", "-c", "env | grep ^DOCKER_ | sort > /out/env"]


def listen(*paths):
    """Sockets that somebody listens on, as an engine does: in /bin/sh's setup, by a process that has ended."""
    return "".join(f"mkdir -p $(dirname {path}); python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{path}\")'\n"
                   for path in paths)


def environment(result):
    assert result.exit == 0, result
    return dict(line.split("=", 1) for line in result.out("env").splitlines())


# ---- which engine ----


@pytest.mark.parametrize("env, setup, added", [
    (NO_TLS, "", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({}, "", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({}, CLIENT_CERTIFICATES, {"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs/client"}),
    (NO_TLS, CLIENT_CERTIFICATES, {"DOCKER_HOST": "tcp://docker:2375"}),
    ({}, CLIENT_CERTIFICATES + "; : > certs/client/key.pem", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({}, CLIENT_CERTIFICATES + "; rm certs/client/ca.pem", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({"DOCKER_TLS_VERIFY": "1"}, "", {"DOCKER_HOST": "tcp://docker:2376"}),
    ({"DOCKER_TLS_VERIFY": ""}, "", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({"DOCKER_TLS_CERTDIR": "/my"}, CLIENT_CERTIFICATES + "; mv certs my",
     {"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/my/client"}),
    ({"DIND_TLS_DIR": "/my"}, CLIENT_CERTIFICATES + "; mv certs my",
     {"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/my/client"}),
    ({"DOCKER_HOST": "tcp://other:1"}, CLIENT_CERTIFICATES, {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs/client"}),
    ({"DOCKER_HOST": "tcp://other:1", "DOCKER_TLS_VERIFY": "1"}, CLIENT_CERTIFICATES, {}),
    ({"DOCKER_HOST": "tcp://other:1", "DOCKER_CERT_PATH": "/mine"}, CLIENT_CERTIFICATES, {}),
    ({"DOCKER_HOST": "ssh://other"}, CLIENT_CERTIFICATES, {}),
    ({"DOCKER_HOST": "unix:///run/x.sock"}, CLIENT_CERTIFICATES, {}),
    ({"DOCKER_HOST": ""}, "", {"DOCKER_HOST": "tcp://docker:2375"}),
    ({}, listen("/run/docker.sock") + CLIENT_CERTIFICATES, {"DOCKER_HOST": "unix:///var/run/docker.sock"}),
    ({}, listen("/run/user/0/docker.sock"), {"DOCKER_HOST": "unix:///run/user/0/docker.sock"}),
    ({"XDG_RUNTIME_DIR": "/x"}, listen("/x/docker.sock"), {"DOCKER_HOST": "unix:///x/docker.sock"}),
    ({}, "echo > run/docker.sock", {"DOCKER_HOST": "tcp://docker:2375"}),
], ids=["tls-off", "plain", "certificates", "tls-off-with-certificates", "empty-key", "no-ca", "tls-verify", "tls-verify-empty",
        "old-name", "name", "own-host", "own-host-and-verify", "own-host-and-path", "ssh", "unix", "empty-host", "socket",
        "users-socket", "xdg-socket", "no-socket"])
def test_the_environment_leads_to_the_engine(sandbox, env, setup, added):
    result = sandbox.run(SHOW, env, setup=setup)
    given = {name: value for name, value in env.items() if name.startswith("DOCKER_")}
    assert environment(result) == {**given, **added}


def test_a_user_finds_the_engine_of_that_user(sandbox):
    setup = ROOTLESS_SETUP + listen("/run/user/2000/docker.sock")
    assert environment(sandbox.run(SHOW, uid=2000, setup=setup)) == {"DOCKER_HOST": "unix:///run/user/2000/docker.sock"}


def test_the_rest_of_the_environment_is_unchanged(sandbox):
    result = sandbox.run(["python3", "-c", "open('/out/env', 'wb').write(open('/proc/self/environ', 'rb').read())"],
                         {"LANG": "C", "TEXT": "a\nb", "RAW": "\udcff", "DOCKER_HOST": "ssh://x", "container": "mine"})
    lines = result.out_path("env").read_bytes().split(b"\0")
    assert {b"LANG=C", b"TEXT=a\nb", b"RAW=\xff", b"DOCKER_HOST=ssh://x", b"container=mine"} <= set(lines)


# ---- what is run ----


@pytest.mark.parametrize("args, argv", [
    (["ps", "-a"], ["ps", "-a"]),
    (["run", "--rm", "alpine", "sh"], ["run", "--rm", "alpine", "sh"]),
    (["version"], ["version"]),
])
def test_a_subcommand_of_docker_runs_as_such(sandbox, args, argv):
    assert sandbox.run(args, NO_TLS).started("docker").argv == argv


def test_docker_itself_runs_as_given(sandbox):
    assert sandbox.run(["docker", "ps"], NO_TLS).started("docker").argv == ["ps"]


def test_what_docker_help_does_not_know_is_a_command(sandbox):
    result = sandbox.run(["echo", "ps", "--", "-x", ""], NO_TLS)
    assert (result.exit, result.stdout) == (0, "ps -- -x \n")
    assert result.started("docker") is None


def test_a_command_with_a_path_runs(sandbox):
    assert sandbox.run(["/bin/echo", "hi"], NO_TLS).stdout == "hi\n"
    assert sandbox.run(["./echo", "hi"], NO_TLS, cwd="/bin").stdout == "hi\n"


def test_an_image_without_the_docker_client_runs_commands(sandbox):
    setup = "rm -f usr/bin/docker"
    assert sandbox.run(["echo", "hi"], NO_TLS, host=Host(without=("docker",)), setup=setup).stdout == "hi\n"


def test_nothing_is_prepared_for_a_client(sandbox):
    result = sandbox.run(["true"], setup="echo 4242 > run/docker.pid")
    assert result.exit == 0, result
    assert result.changes == {}
    assert result.stderr == ""
    assert not result.starts("iptables") and not result.starts("dockerd")


def test_a_client_needs_no_privilege(sandbox):
    result = sandbox.run(["echo", "hi"], NO_TLS, host=Host(drop=("SYS_ADMIN", "NET_ADMIN"), proc_sys_read_only=True))
    assert (result.exit, result.stdout, result.stderr) == (0, "hi\n", "")


def test_a_client_keeps_every_capability_it_has(sandbox):
    result = sandbox.run(["sh", "-c", "grep Cap /proc/self/status"], NO_TLS, around='grep Cap /proc/self/status; exec "$@"')
    half = len(result.stdout) // 2
    assert result.stdout[:half] == result.stdout[half:] != ""


def test_a_client_is_the_process_that_was_started(sandbox):
    """It gets signals, terminal and exit status directly: nobody stands between."""
    result = sandbox.run(["sh", "-c", "echo $$"], NO_TLS)
    assert result.stdout == "1\n"


def test_a_client_inherits_descriptors_umask_and_folder(sandbox):
    """A shell in this image may be handed a file."""
    result = sandbox.run(["sh", "-c", "cat <&7; umask; pwd"], NO_TLS, cwd="/etc",
                         around='exec 7</etc/hostname; umask 027; exec "$@"')
    assert result.stdout == "boxhost\n0027\n/etc\n"


# ---- how it ends ----


@pytest.mark.parametrize("status", [0, 1, 64, 255])
def test_the_exit_status_passes_through(sandbox, status):
    assert sandbox.run(["sh", "-c", f"exit {status}"], NO_TLS).exit == status
    assert sandbox.run(["ps"], NO_TLS, stub={"docker.exit": f"{status}\n"}).exit == status


def test_signals_pass_through(sandbox):
    running = sandbox.start(["sh", "-c", "trap 'exit 3' TERM; : > /out/ready; while :; do sleep 0.01; done"], NO_TLS)
    running.wait_for_file("ready")
    running.signal(signal.SIGTERM)
    assert running.wait().exit == 3


def test_ignored_and_blocked_signals_are_as_a_program_expects_them(sandbox):
    result = sandbox.run(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"], NO_TLS,
                         around='exec env --block-signal=TERM --ignore-signal=HUP "$@"')
    assert {line.split()[1] for line in result.stdout.splitlines()} == {"0" * 16}


def test_a_command_that_does_not_exist_is_127(sandbox):
    for command in ("nosuchcommand", "/nosuchcommand"):
        result = sandbox.run([command], NO_TLS)
        assert result.exit == 127, result
        assert result.stderr.startswith(f"error: {command}: not found") and "hint: " in result.stderr


@pytest.mark.parametrize("setup, command", [
    ("echo x > usr/local/bin/notes", "/usr/local/bin/notes"),
    ("mkdir usr/local/bin/folder", "/usr/local/bin/folder"),
    ("printf '\\177ELF garbage' > usr/local/bin/garbage; chmod +x usr/local/bin/garbage", "garbage"),
    ("printf '#!/no/such/shell\\n' > usr/local/bin/script; chmod +x usr/local/bin/script", "script"),
], ids=["no-execute-bit", "folder", "no-program", "no-interpreter"])
def test_a_command_that_cannot_be_executed_is_126(sandbox, setup, command):
    result = sandbox.run([command], NO_TLS, setup=setup)
    assert result.exit == 126, result
    assert result.stderr.startswith("error: ") and command in result.stderr and "hint: " in result.stderr


def test_a_script_without_a_first_line_runs_as_a_shell_does_it(sandbox):
    """execvp(3) hands it to /bin/sh, and so did the shell that this replaces."""
    result = sandbox.run(["script", "a", "b c"], NO_TLS,
                         setup="echo 'echo ran $#: $2' > usr/local/bin/script; chmod +x usr/local/bin/script")
    assert (result.exit, result.stdout) == (0, "ran 2: b c\n"), result


# ---- a configuration that is broken ----


@pytest.mark.parametrize("how", [
    {"host": Host(config="mdoe: auto")},
    {"env": {"DIND_TLS_DAYS": "many"}},
    {"env": {"DIND_CONFIG": "/nope"}},
    {"setup": "mkdir etc/dind; mkfifo etc/dind/config.yaml"},
], ids=["unknown-key", "variable", "missing-file", "fifo"])
def test_a_broken_configuration_is_a_warning_only(sandbox, how):
    """A shell in this image is how one mends it."""
    result = sandbox.run(SHOW, {**how.pop("env", {})}, **how, timeout=10)
    assert environment(result)["DOCKER_HOST"] == "tcp://docker:2375"
    assert [w for w in result.warnings() if w.startswith("the configuration is left aside for this command: ")], result
    assert len(result.stderr.splitlines()) == 1


def test_a_broken_configuration_leaves_the_old_variable_in_force(sandbox):
    env = {"DOCKER_TLS_CERTDIR": "/my"}
    result = sandbox.run(SHOW, env, host=Host(config="mdoe: auto"), setup=CLIENT_CERTIFICATES + "; mv certs my")
    assert environment(result) == {**env, "DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1",
                                   "DOCKER_CERT_PATH": "/my/client"}
