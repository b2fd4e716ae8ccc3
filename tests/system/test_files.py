"""Stale pid files, and the record of what runs in /run/dind."""

import json

import pytest
from sandbox import NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

LIST_RUN = "find /run -mindepth 1 ! -path '/run/dind*' | sort > /out/run; find /run/dind -printf '%M %U:%G %P\\n' > /out/dind"


def run(sandbox, **how):
    result = sandbox.run(how.pop("args", ()), {**NO_TLS, **how.pop("env", {})}, look=LIST_RUN, **how)
    assert result.exit == 0, result
    return result


# ---- stale pid files ----


def test_stale_pid_files_go_in_any_case_and_depth(sandbox):
    result = run(sandbox, setup="""
        mkdir -p run/a/b run/docker/containerd
        for name in docker.pid DOCKER.PID Docker-Thing.Pid docker-containerd.pid a/docker.pid a/b/dockerd.pid \\
            docker/containerd/docker-x.pid; do echo 4242 > run/$name; done""")
    assert result.out("run").split() == ["/run/a", "/run/a/b", "/run/docker", "/run/docker/containerd"]


def test_other_files_stay(sandbox):
    """The names are docker*.pid, from the first letter to the last."""
    names = ["containerd.pid", "docker.pid.bak", "mydocker.pid", "docker.sock", "docker-pid", "dockerpid", "sshd.pid"]
    result = run(sandbox, setup="".join(f"echo 4242 > run/{name}\n" for name in names))
    assert result.out("run").split() == sorted(f"/run/{name}" for name in names)


def test_var_run_is_swept_where_it_is_no_link_to_run(sandbox):
    result = sandbox.run(env=NO_TLS, setup="rm var/run; mkdir -p var/run/a; echo 1 > var/run/a/docker.pid; echo 1 > var/run/x.pid",
                         look="find /var/run -type f > /out/left")
    assert result.out("left") == "/var/run/x.pid\n"


@pytest.mark.parametrize("content", ["", "no number\n", "0\n", "-1\n", "99999999999999999999\n", "4242\n", "1\n", "\\0000\\0001"])
def test_whatever_a_stale_file_holds_it_goes(sandbox, content):
    assert run(sandbox, setup=f"printf '%b' '{content}' > run/docker.pid").out("run") == ""


def test_a_link_is_removed_and_not_what_it_points_to(sandbox):
    result = run(sandbox, setup="""
        echo 4242 > etc/precious; ln -s /etc/precious run/docker.pid; ln -s /nowhere run/docker-a.pid
        mkdir etc/outside; echo 1 > etc/outside/docker.pid; ln -s /etc/outside run/inside; ln -s . run/loop""")
    assert result.out("run").split() == ["/run/inside", "/run/loop"]
    assert "/etc/precious" not in result.changes
    assert "/etc/outside/docker.pid" not in result.changes


def test_a_folder_and_a_fifo_of_that_name_do_no_harm(sandbox):
    result = run(sandbox, setup="mkdir run/docker.pid; echo x > run/docker.pid/keep; mkfifo run/docker-fifo.pid", timeout=10)
    assert result.out("run").split() == ["/run/docker.pid", "/run/docker.pid/keep"]


@pytest.mark.parametrize("name", ["dockerd", "containerd"])
def test_the_pid_file_of_an_engine_that_runs_stays_and_is_told(sandbox, name):
    result = run(sandbox, around=f"""
        cp /bin/sleep /usr/local/bin/{name}-real; mkdir /engine; cp /bin/sleep /engine/{name}
        /engine/{name} 60 &
        echo $! > /run/docker.pid; echo $! > /run/docker-other.pid; echo 4242 > /run/docker-stale.pid
        "$@"
        status=$?; kill $!; exit $status""")
    assert result.out("run").split() == ["/run/docker-other.pid", "/run/docker.pid"]
    warnings = [w for w in result.warnings() if w.startswith("pid-files: ")]
    assert len(warnings) == 1, result
    assert "/run/docker.pid" in warnings[0] and "/run/docker-other.pid" in warnings[0]
    assert "/run/docker-stale.pid" not in warnings[0]


def test_a_pid_that_something_else_has_meanwhile_is_stale(sandbox):
    """Pids begin at 1 again in a restarted container."""
    result = run(sandbox, around='sleep 60 & echo $! > /run/docker.pid; "$@"; status=$?; kill $!; exit $status')
    assert result.out("run") == ""


@pytest.mark.parametrize("root, how", [
    ("run/docker", {}),
    ("srv/exec", {"args": ["--exec-root=/srv/exec"]}),
    ("srv/exec", {"host": Host(config="daemon: {exec-root: /srv/exec}")}),
])
def test_the_pid_file_of_the_engines_own_containerd_goes_too(sandbox, root, how):
    """After a kill its number may be anybody's, and the engine would not start: a process with that pid is still running."""
    result = run(sandbox, setup=f"mkdir -p {root}/containerd run/other/containerd; echo 1 > {root}/containerd/containerd.pid; "
                                "echo 1 > run/other/containerd/containerd.pid", **how)
    assert result.changes[f"/{root}/containerd/containerd.pid"] == "gone"
    assert "/run/other/containerd/containerd.pid" not in result.changes


@pytest.mark.parametrize("how", [
    {"args": ["--pidfile", "/srv/my.pid"]},
    {"args": ["-p/srv/my.pid"]},
    {"host": Host(config="daemon: {pidfile: /srv/my.pid}")},
    {"setup": "mkdir -p etc/docker; echo '{\"pidfile\": \"/srv/my.pid\"}' > etc/docker/daemon.json"},
], ids=["flag", "short-flag", "daemon", "file"])
def test_a_pid_file_that_the_user_put_elsewhere_goes_too(sandbox, how):
    setup = how.pop("setup", "") + "\necho 4242 > srv/my.pid; echo 4242 > srv/docker.pid"
    result = run(sandbox, setup=setup, **how)
    assert result.changes["/srv/my.pid"] == "gone"
    assert "/srv/docker.pid" not in result.changes


def test_what_was_removed_is_told(sandbox):
    result = run(sandbox, setup="echo 4242 > run/docker.pid")
    assert "pid-files: removed /run/docker.pid" in [line["msg"] for line in result.log("info")]


def test_a_deep_and_crowded_run_does_not_keep_a_start_from_sweeping(sandbox):
    deep = "/".join(["d"] * 200)
    result = run(sandbox, timeout=15, setup=f"""
        mkdir -p run/{deep}; echo 1 > run/docker.pid; echo 1 > run/{deep}/docker.pid
        mkdir run/crowd; cd run/crowd; seq 1 3000 | xargs touch""")
    assert "/run/docker.pid" not in result.out("run").split()


def test_a_rootless_start_removes_what_is_the_users(sandbox):
    result = run(sandbox, uid=2000, setup=ROOTLESS_SETUP + """
        mkdir -p run/user/2000; echo 4242 > run/user/2000/docker.pid; chown -R 2000:2000 run/user/2000; chmod 700 run/user/2000
        echo 4242 > run/docker.pid""", env={"DIND_LOG_LEVEL": "warn"})
    assert result.changes["/run/user/2000/docker.pid"] == "gone"
    assert "/run/docker.pid" not in result.changes
    assert not [line for line in result.log() if "pid-files" in line["msg"]], "root's files are not the user's business"


# ---- the record ----


def test_the_record_says_what_runs_and_where_its_socket_is(sandbox):
    result = sandbox.run(env=NO_TLS, look="cp /run/dind/instance.json /out; sed 's/.*) //' /proc/1/stat > /out/stat")
    record = json.loads(result.out("instance.json"))
    assert record == {"pid": 1, "started": int(result.out("stat").split()[19]), "uid": 0, "gid": 0, "mode": "rootful",
                      "phase": "engine", "socket": "/var/run/docker.sock", "tcp": None, "tls": False}


@pytest.mark.parametrize("args, env, socket", [
    ([], {"DOCKER_HOST": "unix:///run/other.sock"}, "/run/other.sock"),
    ([], {"DIND_API_UNIX_PATH": "/run/mine.sock"}, "/run/mine.sock"),
    (["dockerd", "-H", "unix:///run/explicit.sock"], {}, "/run/explicit.sock"),
    (["dockerd", "-H", "tcp://127.0.0.1:1", "--host=unix:///run/second.sock"], {}, "/run/second.sock"),
    (["dockerd"], {"DIND_DAEMON": '{"hosts": ["unix:///run/file.sock"]}'}, "/run/file.sock"),
    (["dockerd"], {}, "/var/run/docker.sock"),
    (["dockerd", "-H", "unix://", "-H", "tcp://127.0.0.1:1"], {}, "/var/run/docker.sock"),
    (["dockerd", "-H", "fd://"], {}, "/var/run/docker.sock"),
])
def test_the_record_knows_the_socket_wherever_it_was_set(sandbox, args, env, socket):
    result = sandbox.run(args, {**NO_TLS, **env}, look="cp /run/dind/instance.json /out")
    assert result.exit == 0, result
    assert json.loads(result.out("instance.json"))["socket"] == socket


@pytest.mark.parametrize("hosts, tcp, tls", [
    (["-H", "tcp://10.77.0.2:1", "-H", "tcp://127.0.0.1:2"], "tcp://10.77.0.2:1", False),
    (["-H", "tcp://0.0.0.0:2376", "--tlsverify"], "tcp://127.0.0.1:2376", True),
    (["-H", "tcp://[::]:1"], "tcp://[::1]:1", False),
    (["-H", "tcp://"], "tcp://127.0.0.1", False),
    (["-H", "[fd00::1]:1"], "tcp://[fd00::1]:1", False),
])
def test_the_record_knows_the_address_of_an_engine_without_a_socket(sandbox, hosts, tcp, tls):
    record = json.loads(sandbox.run(["dockerd", *hosts], NO_TLS, look="cp /run/dind/instance.json /out").out("instance.json"))
    assert (record["socket"], record["tcp"], record["tls"]) == (None, tcp, tls)


def test_the_record_of_a_rootless_engine_is_in_its_runtime_folder(sandbox):
    result = sandbox.run(env=NO_TLS, **ROOTLESS,
                         look="cd /run/user/2000; cp dind/instance.json /out; stat -c %a . > /out/a")
    record = json.loads(result.out("instance.json"))
    assert record["mode"] == "rootless" and record["socket"] == "/run/user/2000/docker.sock"
    assert result.out("a") == "700\n"
    assert not [path for path in result.changes if path.startswith("/run/dind")]


def test_everybody_may_read_the_record_and_only_its_owner_may_write(sandbox):
    result = run(sandbox, around='umask 000; exec "$@"')
    assert sorted(result.out("dind").splitlines()) == ["-rw-r--r-- 0:0 boot.json", "-rw-r--r-- 0:0 instance.json", "drwxr-xr-x 0:0 "]


def test_while_it_prepares_the_record_names_the_step(sandbox):
    """Each whole: whoever reads it meanwhile sees one or the other."""
    result = sandbox.run(env=NO_TLS, setup="""rm usr/local/bin/iptables
        printf '#!/bin/sh\ncp /run/dind/instance.json /out' > usr/local/bin/iptables; chmod 755 usr/local/bin/iptables""")
    record = json.loads(result.out("instance.json"))
    assert (record["phase"], record["step"], record["pid"], record["socket"]) == ("network", "iptables", 1, "/var/run/docker.sock")


def test_a_runtime_folder_that_is_not_there_yet_is_left_to_its_own_step(sandbox):
    """Its mode is the step's to choose, not the record's."""
    result = sandbox.run(env=NO_TLS, look="stat -c '%a %n' /run/user/2000 /run/user/2000/dind > /out/modes", **ROOTLESS)
    assert result.out("modes") == "700 /run/user/2000\n755 /run/user/2000/dind\n"


def test_a_second_start_replaces_the_record(sandbox):
    result = run(sandbox, setup="mkdir run/dind; echo old > run/dind/instance.json; chmod 600 run/dind/instance.json")
    assert '"pid": 1' in result.changes["/run/dind/instance.json"]
    assert sorted(result.out("dind").splitlines()) == ["-rw-r--r-- 0:0 boot.json", "-rw-r--r-- 0:0 instance.json", "drwxr-xr-x 0:0 "]


HOSTILE = {
    "link": "mkdir etc/outside; ln -s /etc/outside run/dind",
    "link-to-nowhere": "ln -s /etc/outside run/dind",
    "another-users": "mkdir run/dind; chown 1234 run/dind",
    "group-writable": "mkdir run/dind; chmod 775 run/dind",
    "world-writable": "mkdir run/dind; chmod 1777 run/dind",
    "file": "echo mine > run/dind",
    "fifo": "mkfifo run/dind",
}


@pytest.mark.parametrize("setup", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_folder_is_left_alone_and_named(sandbox, setup):
    """/run may be a volume, and whoever prepared it must not make root write elsewhere."""
    result = sandbox.run(env=NO_TLS, setup=setup, timeout=10)
    assert result.exit == 0, result
    assert [w for w in result.warnings() if w.startswith("record: /run/dind")], result
    assert not [path for path in result.changes if path.startswith(("/etc", "/run/dind"))], result.changes


@pytest.mark.parametrize("setup", HOSTILE.values(), ids=HOSTILE)
def test_the_engines_configuration_is_never_written_into_a_hostile_folder(sandbox, setup):
    """Another user could swap it before the engine reads it."""
    result = sandbox.run(env={**NO_TLS, "DIND_DAEMON": '{"mtu": 1300}'}, setup=setup, timeout=10)
    assert result.exit == 71, result
    assert not result.starts("dockerd")
    assert "error: /run/dind" in result.stderr and "hint: " in result.stderr
    assert not [path for path in result.changes if path.startswith(("/etc", "/run/dind"))], result.changes


def test_a_link_planted_as_the_record_is_replaced_and_not_followed(sandbox):
    result = run(sandbox, setup="echo precious > etc/precious; mkdir run/dind; ln -s /etc/precious run/dind/instance.json")
    assert "/etc/precious" not in result.changes
    assert result.changes["/run/dind/instance.json"].startswith("-rw-r--r--")
