"""Rootless: the three ways in (root, an ordinary user, root with two capabilities), and what is refused before rootlesskit starts."""

import json
import re

import pytest

from sandbox import NO_TLS, PATH, ROOTLESS, ROOTLESS_SETUP, Host

# A start as root that is to become the user of ROOTLESS_SETUP. newuidmap is the machine's, as a set-user-ID program.
AS_ROOT = {**NO_TLS, "DIND_MODE": "rootless"}
IDMAP = """
install -m 4755 /bin/true usr/local/bin/newuidmap
install -m 4755 /bin/true usr/local/bin/newgidmap
"""
CLEAN_IDMAP = """
install -m 755 /bin/true usr/local/bin/newuidmap
install -m 755 /bin/true usr/local/bin/newgidmap
setcap cap_setuid=ep usr/local/bin/newuidmap
setcap cap_setgid=ep usr/local/bin/newgidmap
"""
# What docker run --cap-drop ALL --cap-add SETUID --cap-add SETGID leaves.
ALL = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
       "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
       "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
       "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
SETUID_SETGID = 0xc0
TWO = Host(drop=tuple(name for name in ALL if name not in ("SETUID", "SETGID")), proc_sys_read_only=False)


ENGINE = """
import os, socket
os.umask(0o177)
server = socket.socket(socket.AF_UNIX)
server.bind("/run/user/2000/docker.sock")
server.listen(5)
server.settimeout(0.1)
while not os.path.exists("/out/stop"):
    try:
        client, _ = server.accept()
    except TimeoutError:
        continue
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK")
    client.close()
"""


def rootlesskit(result):
    assert result.exit == 0, result
    started = result.started("rootlesskit")
    assert started, result
    return started


def check_nothing_left(started, uid=2000, gid=2000, bounding=SETUID_SETGID):
    assert started.status["Uid"].split() == [str(uid)] * 4
    assert started.status["Gid"].split() == [str(gid)] * 4
    assert started.status["Groups"].split() == []
    assert [started.bits(name) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")] == [0, 0, 0, 0]
    assert started.bits("CapBnd") == bounding
    assert started.status["NoNewPrivs"] == "0", "newuidmap must be able to gain its privilege"


# ---- started as root ----


def test_root_becomes_the_user_for_good(sandbox):
    started = rootlesskit(sandbox.run(env=AS_ROOT, setup=ROOTLESS_SETUP + CLEAN_IDMAP))
    check_nothing_left(started)
    assert started.env == {**AS_ROOT, "PATH": PATH, "HOME": "/home/rootless", "XDG_RUNTIME_DIR": "/run/user/2000",
                           "USER": "rootless"}


def test_root_opens_the_devices_up_and_gives_the_folders_to_the_user(sandbox):
    result = sandbox.run(env=AS_ROOT, setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
        mkdir -p dev/net; mknod -m 600 dev/net/tun c 10 200
        rmdir run/user; umount home/rootless/.local/share/docker; chown 0:0 home/rootless/.local/share/docker""",
                         around='''"$@"; stat -c '%n %a %u:%g' /dev/net/tun /dev/fuse /run/user /run/user/2000 /home/rootless \
                         /home/rootless/.local/share/docker > /out/modes''')
    rootlesskit(result)
    assert result.out("modes").splitlines() == [
        "/dev/net/tun 666 0:0", "/dev/fuse 666 0:0", "/run/user 755 0:0", "/run/user/2000 700 2000:2000",
        "/home/rootless 755 2000:2000", "/home/rootless/.local/share/docker 755 2000:2000"], result


def test_the_engines_key_is_the_users_and_the_cas_stays_roots(sandbox):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", "DIND_MODE": "rootless"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP,
                         around='"$@"; stat -c "%n %a %U" /certs/*/key.pem > /out/keys')
    rootlesskit(result)
    assert result.out("keys").splitlines() == [
        "/certs/ca/key.pem 600 root", "/certs/client/key.pem 644 rootless", "/certs/server/key.pem 600 rootless"]


def test_set_user_id_copies_of_newuidmap_are_mended(sandbox):
    result = sandbox.run(env=AS_ROOT, setup=ROOTLESS_SETUP + IDMAP,
                         around='"$@"; for n in newuidmap newgidmap; do stat -c "%n %a" /usr/local/bin/$n; '
                                'getcap /usr/local/bin/$n; done > /out/idmap')
    check_nothing_left(rootlesskit(result))
    assert result.out("idmap").splitlines() == [
        "/usr/local/bin/newuidmap 755", "/usr/local/bin/newuidmap cap_setuid=ep",
        "/usr/local/bin/newgidmap 755", "/usr/local/bin/newgidmap cap_setgid=ep"], result


def test_what_cannot_be_mended_keeps_what_it_needs_and_that_is_told(sandbox):
    result = sandbox.run(env=AS_ROOT, host=Host(drop=("SETFCAP",)), setup=ROOTLESS_SETUP + IDMAP)
    check_nothing_left(rootlesskit(result), bounding=SETUID_SETGID | 1 << 1 | 1 << 21)
    assert [w for w in result.warnings() if "DAC_OVERRIDE and SYS_ADMIN stay" in w and "setcap cap_setuid=ep" in w], result


def test_an_arbitrary_uid_gets_what_it_lacks_in_private_copies(sandbox):
    result = sandbox.run(env={**AS_ROOT, "DIND_ROOTLESS_USER": "1000690000"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
        cp etc/passwd out/passwd.before; cp etc/subuid out/subuid.before""",
                         around='"$@"; grep 690000 /etc/passwd /etc/subuid /etc/subgid > /out/lines; '
                                'umount /etc/passwd /etc/subuid /etc/subgid; cmp /etc/passwd /out/passwd.before && '
                                'cmp /etc/subuid /out/subuid.before && touch /out/untouched')
    started = rootlesskit(result)
    check_nothing_left(started, 1000690000, 1000690000)
    assert result.out("lines").splitlines() == [
        "/etc/passwd:dind-1000690000:x:1000690000:1000690000::/home/rootless:/bin/sh",
        "/etc/subuid:1000690000:100000:65536", "/etc/subgid:1000690000:100000:65536"], result
    assert result.out("untouched") is not None, "the image's own files are below"
    assert started.env["XDG_RUNTIME_DIR"] == "/run/user/1000690000"


def test_the_data_of_another_users_engine_is_not_taken_over(sandbox):
    result = sandbox.run(env={**AS_ROOT, "DIND_ROOTLESS_USER": "1000690000"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
        mkdir home/rootless/.local/share/docker/overlay2; chown -R 2000:2000 home/rootless""",
                         around='"$@"; stat -c %u /home/rootless/.local/share/docker > /out/owner')
    assert result.started("rootlesskit") is None and result.out("owner") == "2000\n", result
    assert "/home/rootless/.local/share/docker" in result.failure()


@pytest.mark.parametrize("user, part", [
    ("root", "rootless.user: root (environment variable DIND_ROOTLESS_USER) is root"),
    ("0", "is root"),
    ("nobody-here", "is not in /etc/passwd"),
    ("4294967295", "is out of range"),
])
def test_only_an_ordinary_user_is_taken(sandbox, user, part):
    result = sandbox.run(env={**AS_ROOT, "DIND_ROOTLESS_USER": user}, setup=ROOTLESS_SETUP + CLEAN_IDMAP)
    assert result.exit == 78 and part in result.failure(), result
    assert not result.changes


def test_links_of_the_users_lead_root_nowhere(sandbox):
    """The user's home may be a volume that others have written to."""
    result = sandbox.run(env=AS_ROOT, setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
        umount home/rootless/.local/share/docker; rm -r home/rootless/.local
        mkdir -p home/rootless/.local precious
        ln -s /precious home/rootless/.local/share
        chown -h 2000:2000 home/rootless/.local home/rootless/.local/share""", around='"$@"; stat -c "%u" /precious > /out/owner; '
                         'ls /precious > /out/list')
    assert result.out("owner") == "0\n" and result.out("list") == "", result
    assert result.started("rootlesskit") is None
    assert "attempting to run rootless dockerd but need writable HOME" in result.failure()


def test_the_cgroup_is_given_to_the_user(sandbox):
    result = sandbox.run(env=AS_ROOT, host=Host(cgroup="v2"), setup=ROOTLESS_SETUP + CLEAN_IDMAP,
                         around='"$@"; cd /sys/fs/cgroup; stat -c "%n %u" . cgroup.procs dind dind/cgroup.procs '
                                'dind/cgroup.subtree_control dind/init dind/init/cgroup.procs > /out/owners')
    started = rootlesskit(result)
    assert started.cgroup.splitlines()[-1] == "0::/dind/init", result
    assert result.out("owners").splitlines() == [
        ". 0", "cgroup.procs 0", "dind 2000", "dind/cgroup.procs 2000", "dind/cgroup.subtree_control 2000", "dind/init 2000",
        "dind/init/cgroup.procs 2000"], result


def test_the_engines_configuration_is_readable_for_the_user_alone(sandbox):
    result = sandbox.run(env={**AS_ROOT, "DIND_DAEMON": '{"debug": true}'}, setup=ROOTLESS_SETUP + CLEAN_IDMAP,
                         around='"$@"; stat -c "%a %u" /run/user/2000/dind/daemon.json > /out/mode')
    assert rootlesskit(result).argv[-1] == "--config-file=/run/user/2000/dind/daemon.json"
    assert result.out("mode") == "600 2000\n", result


def test_stale_pid_files_of_the_users_engine_go(sandbox):
    result = sandbox.run(env=AS_ROOT, host=TWO, setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
        mkdir dev/net; mknod dev/net/tun c 10 200
        mkdir -p -m 700 run/user/2000/docker/containerd; chown -R 2000 run/user/2000
        echo 1 | tee run/user/2000/docker.pid > run/user/2000/docker/containerd/containerd.pid""",
                         look="ls /run/user/2000 /run/user/2000/docker/containerd > /out/list")
    rootlesskit(result)
    assert ".pid" not in result.out("list"), result


# ---- started as root with two capabilities ----


def test_root_with_two_capabilities_does_what_owning_allows(sandbox):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", "DIND_MODE": "rootless"}, host=TWO,
                         setup=ROOTLESS_SETUP + CLEAN_IDMAP + """
                         mkdir -p dev/net certs; mknod -m 600 dev/net/tun c 10 200; chmod 1777 certs""",
                         look='stat -c "%n %a %u" /dev/net/tun /run/user/2000 /certs/*/key.pem > /out/modes')
    check_nothing_left(rootlesskit(result))
    # As seen from the engine's namespace, whose root is the user.
    assert result.out("modes").splitlines() == [
        "/dev/net/tun 666 65534", "/run/user/2000 700 0", "/certs/ca/key.pem 600 0", "/certs/client/key.pem 644 0",
        "/certs/server/key.pem 600 0"], result


def test_health_and_report_find_what_root_has_started(sandbox):
    """Root may neither enter the user's folder nor write to the socket there, but it may become the user for a moment."""
    result = sandbox.run(env=AS_ROOT, host=TWO, setup=ROOTLESS_SETUP + CLEAN_IDMAP + "mkdir dev/net; mknod dev/net/tun c 10 200",
                         dockerd="exec python3 -c '" + ENGINE.replace("'", '"') + "'", around="""
        "$@" & until dindctl health > /out/health 2>&1; do sleep 0.1; done
        dindctl report > /out/report 2>&1; touch /out/stop; wait $!""")
    assert result.out("health") == "ready\n", result
    assert "identity" in result.out("report"), result


CLOSED = ROOTLESS_SETUP + CLEAN_IDMAP + "mkdir dev/net; mknod dev/net/tun c 10 200; chmod 700 home/rootless\n"


def test_the_engines_data_are_looked_at_in_a_home_that_root_may_not_enter(sandbox):
    """A folder above it, which is on the image's overlay, says nothing of the volume. The image may be made of links."""
    upper = "mount -t tmpfs o /mnt; mkdir /mnt/l /mnt/u /mnt/w; mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w o home\n"
    result = sandbox.run(env={**AS_ROOT, "DIND_STORAGE_ON_OVERLAY": "fail"}, host=TWO, setup=upper + CLOSED)
    argv = rootlesskit(result).argv
    assert argv[argv.index("dind-rootless-child") + 3] == "/home/rootless/.local/share/docker", argv
    assert not [w for w in result.warnings() if "overlay" in w], result


def test_settings_are_merged_over_the_users_file_in_a_home_that_root_may_not_enter(sandbox):
    result = sandbox.run(env={**AS_ROOT, "DIND_DAEMON": '{"mtu": 1400}'}, host=TWO, setup=CLOSED + """
        mkdir -p home/rootless/.config/docker; echo '{"debug": true}' > home/rootless/.config/docker/daemon.json
        chown -R 2000 home/rootless""", look="cp /run/user/2000/dind/daemon.json /out/")
    rootlesskit(result)
    assert json.loads(result.out("daemon.json")) == {"debug": True, "mtu": 1400}, result


def test_a_file_of_roots_that_the_user_may_not_read_is_read_by_root(sandbox):
    result = sandbox.run(["--config-file", "/etc/daemon.json"], {**AS_ROOT, "DIND_DAEMON": '{"mtu": 1400}'}, host=TWO, setup=CLOSED + """
        echo '{"debug": true}' > etc/daemon.json; chmod 600 etc/daemon.json""", look="cp /run/user/2000/dind/daemon.json /out/")
    rootlesskit(result)
    assert json.loads(result.out("daemon.json")) == {"debug": True, "mtu": 1400}, result


def test_a_containerd_is_found_in_a_runtime_folder_that_root_may_not_enter(sandbox):
    result = sandbox.run(env=AS_ROOT, host=TWO, setup=CLOSED + """
        mkdir -p -m 700 run/user/2000/containerd-rootless; chmod 700 run/user/2000; chown -R 2000 run/user/2000""")
    assert result.exit == 1 and "containerd-rootless exists" in result.failure(), result


def test_a_ready_file_in_a_home_that_root_may_not_enter_is_removed(sandbox):
    result = sandbox.run(env={**AS_ROOT, "DIND_READY_FILE": "/home/rootless/ready"}, host=TWO, setup=CLOSED + "echo old > home/rootless/ready",
                         look="ls /home/rootless > /out/list")
    rootlesskit(result)
    assert "ready" not in result.out("list"), result


@pytest.mark.parametrize("folder, exit", [("mkdir home/rootless/s; chown 2000 home/rootless/s", 0), ("", 78)], ids=["there", "missing"])
def test_the_folder_of_a_socket_is_found_in_a_home_that_root_may_not_enter(sandbox, folder, exit):
    result = sandbox.run(env={**AS_ROOT, "DIND_API_UNIX_PATH": "/home/rootless/s/docker.sock"}, host=TWO, setup=CLOSED + folder)
    assert result.exit == exit, result
    assert exit == 0 or "there is no folder /home/rootless/s for this socket" in result.failure(), result


def test_what_nobody_may_look_at_is_not_said_to_be_well(sandbox):
    result = sandbox.run(["check"], AS_ROOT, program="dindctl", host=TWO, setup=CLOSED + "chown 0 home/rootless; chmod 0 home/rootless")
    assert re.search(r"^warn +data-root +/home/rootless/.local/share/docker cannot be looked at$", result.stdout, re.M), result
    assert "accessible for uid 2000" in result.stdout and "without nosuid" not in result.stdout, result


def test_data_that_nobody_may_look_at_are_not_said_to_be_on_overlay(sandbox):
    result = sandbox.run(["plan"], AS_ROOT, program="dindctl", host=TWO, setup=CLOSED + "chown 0 home/rootless; chmod 0 home/rootless")
    assert "is on overlayfs" not in result.stdout + result.stderr, result


@pytest.mark.parametrize("verb, words", [("show", "/certs/server/cert.pem"), ("check", "good\n"), ("renew", "kept"),
                                         ("issue ci", "/certs/clients/ci: issued ci")], ids=["show", "check", "renew", "issue"])
def test_certificates_of_the_engines_user_are_managed_by_root(sandbox, verb, words):
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", "DIND_MODE": "rootless"}, host=TWO, setup=CLOSED + "mkdir -p certs; chmod 1777 certs",
                         around=f'"$@"; dindctl certs {verb} > /out/said 2>&1; echo $? > /out/status')
    assert result.out("status") == "0\n" and words in result.out("said") and "bad" not in result.out("said"), result.out("said")


@pytest.mark.parametrize("capability", ["SETUID", "SETGID"])
def test_without_one_of_the_two_the_start_is_refused(sandbox, capability):
    result = sandbox.run(env=AS_ROOT, host=Host(drop=(capability,)), setup=ROOTLESS_SETUP + CLEAN_IDMAP)
    assert result.exit == 77 and f"--cap-add {capability}" in result.failure(), result
    assert not result.changes


# ---- the second stage ----


def test_stale_links_go_and_other_files_stay(sandbox):
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": """
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p /run/user/2000/dind; ln -s /nowhere /run/docker; ln -s /nowhere /run/containerd; : > /run/xtables.lock
        """}, look="ls /run > /out/run")
    assert result.exit == 0 and result.out("run").split() == ["user", "xtables.lock"], result


# A new network namespace has what the machine's first one has, and Docker turns it on there (devconf_inherit_init_net).
FORWARDS_NOT = "echo 0 > /proc/sys/net/ipv4/ip_forward\n"


def test_forwarding_is_on_in_the_engines_network_namespace_alone(sandbox):
    result = sandbox.run(env=NO_TLS, uid=2000, setup=ROOTLESS_SETUP + FORWARDS_NOT, stub={"rootlesskit.sh": FORWARDS_NOT},
                         look="cat /proc/sys/net/ipv4/ip_forward > /out/inside", around='"$@"; cat /proc/sys/net/ipv4/ip_forward > /out/outside')
    assert (result.exit, result.out("inside"), result.out("outside")) == (0, "1\n", "0\n"), result


def test_a_detached_network_namespace_gets_it_instead(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_ROOTLESS_DETACH_NETNS": "true"}, **ROOTLESS, stub={"rootlesskit.sh": """
        echo 0 > /proc/sys/net/ipv4/ip_forward; mkdir -p "$ROOTLESSKIT_STATE_DIR"; : > "$ROOTLESSKIT_STATE_DIR"/netns
        mount --make-rprivate /; export ROOTLESSKIT_STATE_DIR
        unshare --net sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward; mount --bind /proc/$$/ns/net "$ROOTLESSKIT_STATE_DIR"/netns'
        """}, look="""cat /proc/sys/net/ipv4/ip_forward > /out/own
        nsenter --net="$ROOTLESSKIT_STATE_DIR"/netns cat /proc/sys/net/ipv4/ip_forward > /out/detached""")
    assert (result.exit, result.out("own"), result.out("detached")) == (0, "0\n", "1\n"), result


def test_a_folder_of_certificates_that_is_a_link_is_laid_in_its_place(sandbox):
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": """
        mkdir -p /tmp/real/certs; : > /tmp/real/certs/ca.crt
        mount -t tmpfs -o mode=755 tmpfs /etc; ln -s /tmp/real /etc/ssl"""},
                         look="stat -c %F /etc/ssl > /out/kind; ls /etc/ssl/certs > /out/list")
    assert (result.out("kind"), result.out("list")) == ("directory\n", "ca.crt\n"), result


@pytest.mark.parametrize("data, told", [("tmpfs", False), ("overlay", True)])
def test_the_storage_is_tried_where_the_engine_will_mount(sandbox, data, told):
    """A mount that only rootlesskit's namespace has, so that no fact could tell."""
    below = "/home/rootless/.local/share/docker"
    lay = "mount -t tmpfs tmpfs /mnt; mkdir /mnt/l /mnt/u /mnt/w; mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w"
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": f"{lay} overlay {below}" if data == "overlay" else
                                                       f"mount -t tmpfs tmpfs {below}"}, look=f"ls -A {below} > /out/left")
    warnings = [w for w in result.warnings() if w.startswith("storage-inside: ")]
    assert result.exit == 0 and result.out("left") == "", result
    assert (len(warnings) == 1 and "else vfs, which copies" in warnings[0]) if told else not warnings, result


def test_the_second_stage_does_nothing_outside_of_rootlesskit(sandbox):
    result = sandbox.run(["dind-rootless-child", "info", "text", "-", "-", "dockerd"], {"ROOTLESSKIT_STATE_DIR": "/x"},
                         setup="ln -s /nowhere run/docker", look="")
    assert result.exit == 64 and "second stage" in result.failure(), result
    assert not result.changes and not result.starts("dockerd")


# ---- who may reach the API ----

ALLOW = {**AS_ROOT, "DIND_API_ALLOW": "192.0.2.7", "DIND_NETWORK_IPTABLES": "nft"}
NESTED = "-A DIND-API-2375-NESTED ! -d 127.0.0.0/8 -o lo -p tcp --dport 2375 -m owner --uid-owner 2000 -j DROP"


def rules(result, program="iptables"):
    """The commands of the rules outside, and those of the second stage."""
    lines = result.rules(program)
    starts = [number for number, line in enumerate(lines) if line == "-N DIND-API-2375"]
    second = starts[1] if len(starts) > 1 else len(lines)
    return lines[:second], lines[second:]


@pytest.mark.parametrize("program", ["iptables", "ip6tables"])
def test_an_allow_list_guards_the_port_outside_and_in_rootlesskits_network(sandbox, program):
    result = sandbox.run(env=ALLOW, setup=ROOTLESS_SETUP + CLEAN_IDMAP, look="ls /out > /out/then",
                         stub={"rootlesskit.sh": "ip link add tap0 type veth"})
    outside, inside = rules(result, program)
    assert result.exit == 0 and f"{program}.30" in result.out("then").split(), result
    assert any(rule.startswith("-A DIND-API-2375-NESTED") and rule.endswith("--uid-owner 2000 -j DROP") for rule in outside), outside
    assert "-A DIND-API-2375 -i eth0 -g DIND-API-2375-OUTSIDE" in outside
    everybody = "0.0.0.0/0" if program == "iptables" else "::/0"
    assert f"-A DIND-API-2375-OUTSIDE -s {everybody} -j RETURN" in inside and "-A DIND-API-2375 -i tap0 -g DIND-API-2375-OUTSIDE" in inside, inside
    assert "-A DIND-API-2375 -j DROP" in inside and not any(" eth0 " in rule or "NESTED" in rule for rule in inside), inside


def test_nested_containers_that_may_reach_it_are_not_kept_from_it(sandbox):
    outside, inside = rules(sandbox.run(env={**ALLOW, "DIND_API_ALLOW_NESTED": "true"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP))
    assert outside[-1] == "-I OUTPUT 1 -j DIND-API-2375-NESTED" and not any("owner" in rule for rule in outside)
    assert not inside


def test_a_network_driver_that_reaches_the_loopback_address_is_kept_from_the_port_there(sandbox):
    outside, _ = rules(sandbox.run(env={**ALLOW, "DIND_ROOTLESS_DISABLE_HOST_LOOPBACK": "false"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP))
    assert NESTED.replace(" ! -d 127.0.0.0/8", "") in outside


def test_a_rule_that_rootlesskits_network_refuses_stops_the_start(sandbox):
    result = sandbox.run(env={**ALLOW, "DIND_INIT": "none"}, setup=ROOTLESS_SETUP + CLEAN_IDMAP,
                         stub={"ip6tables.exit": "0\n" * 25 + "4\n"})
    assert rules(result)[1], result
    assert result.exit == 71 and "in rootlesskit's network: api.allow: `ip6tables -w -" in result.failure() and not result.starts("dockerd"), result


def test_who_never_was_root_cannot_keep_an_allow_list(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_API_ALLOW": "192.0.2.7"}, **ROOTLESS)
    assert result.exit == 77 and "CAP_NET_ADMIN is missing" in result.failure() and "--user 0 -e DIND_MODE=rootless" in result.failure() and not result.starts("rootlesskit"), result


@pytest.mark.parametrize("port", ["0", "65536", "2375x", ""])
def test_the_second_stage_takes_nothing_but_a_port(sandbox, port):
    child = "/usr/local/bin/dockerd-entrypoint dind-rootless-child info text -"
    result = sandbox.run(env=NO_TLS, **ROOTLESS, stub={"rootlesskit.sh": f"{child} '{port}' /bin/true; echo $? > /out/status"})
    assert result.out("status") == "64\n", result


# ---- versions ----

KIT_1, KIT_2, KIT_3 = ("rootlesskit version 1.1.0", "rootlesskit version 2.0.2", "rootlesskit version 3.0.1")
ENGINE_26, ENGINE_29_5 = ("Docker version 26.1.5+dfsg1, build 411e817", "Docker version 29.5.0, build 0123456")
DETACHED = {"DIND_ROOTLESS_DETACH_NETNS": "true"}


def versions(**programs):
    return {f"{name}.version": text for name, text in programs.items()}


@pytest.mark.parametrize("env, files, parts", [
    (DETACHED, versions(dockerd=ENGINE_26, rootlesskit=KIT_2),
     ["rootless.detach_netns: true (environment variable DIND_ROOTLESS_DETACH_NETNS) needs Docker Engine 29.5 or later, and this "
      "is 26.1", "rootless.detach_netns: false"]),
    (DETACHED, versions(dockerd=ENGINE_29_5, rootlesskit=KIT_1), ["needs rootlesskit 2.0 or later, and this is 1.1"]),
    ({"DIND_ROOTLESS_NET": "pasta"}, versions(rootlesskit=KIT_1),
     ["rootless.net: pasta (environment variable DIND_ROOTLESS_NET) needs rootlesskit 2.0 or later, and this is 1.1",
      "rootless.net: slirp4netns"]),
    ({"DIND_ROOTLESS_NET": "gvisor-tap-vsock"}, versions(rootlesskit=KIT_2), ["needs rootlesskit 3.0 or later, and this is 2.0"]),
    ({"DIND_ROOTLESS_NET": "slirp4netns"}, versions(slirp4netns="slirp4netns version 0.3.2"),
     ["needs slirp4netns 0.4 or later, and this is 0.3"]),
], ids=["engine", "detach", "pasta", "gvisor", "slirp4netns"])
def test_what_a_program_here_does_not_know_is_refused_before_it_starts(sandbox, env, files, parts):
    result = sandbox.run(env={**NO_TLS, **env}, **ROOTLESS, stub=files)
    assert result.exit == 78 and not result.starts("rootlesskit") and not result.changes, result
    assert result.stderr.count("error: ") == 1
    for part in parts:
        assert part in result.failure(), result


@pytest.mark.parametrize("env, files", [
    ({}, versions(rootlesskit=KIT_1, dockerd="Docker version 20.10.24, build 5d6db84")),
    (DETACHED, versions(dockerd=ENGINE_29_5, rootlesskit=KIT_2)),
    (DETACHED, versions(dockerd="Docker version dev, build unknown", rootlesskit="rootlesskit version (devel)")),
    ({"DIND_ROOTLESS_NET": "pasta"}, versions(rootlesskit=KIT_2)),
    ({"DIND_ROOTLESS_NET": "gvisor-tap-vsock"}, versions(rootlesskit=KIT_3)),
    ({}, versions(slirp4netns="slirp4netns version 0.4.0")),
], ids=["old-and-nothing-asked", "detached", "unknown", "pasta", "gvisor", "slirp4netns"])
def test_what_it_knows_is_not_refused(sandbox, env, files):
    rootlesskit(sandbox.run(env={**NO_TLS, **env}, **ROOTLESS, stub=files))


def test_a_slirp4netns_that_is_too_old_is_passed_by(sandbox):
    result = sandbox.run(env=NO_TLS, setup=ROOTLESS_SETUP + "install -m 755 /bin/true usr/local/bin/pasta", uid=2000,
                         stub=versions(slirp4netns="slirp4netns version 0.3.2", rootlesskit=KIT_2))
    assert "--net=pasta" in rootlesskit(result).argv, result


def test_a_program_that_does_not_answer_does_not_hold_the_start_up(sandbox):
    result = sandbox.run(env={**NO_TLS, **DETACHED}, uid=2000, setup=ROOTLESS_SETUP + """
        cat > usr/local/bin/docker-rootlesskit <<'END'
#!/bin/sh
[ "$*" != --version ] || exec sleep 1000
exec rootlesskit "$@"
END
        chmod 755 usr/local/bin/docker-rootlesskit""", stub=versions(dockerd=ENGINE_29_5))
    rootlesskit(result)


# ---- refused before rootlesskit starts: one message each, with its remedy ----


def test_nobody_is_told_to_start_as_two_users(sandbox):
    """An unknown uid lacks subordinate ids, which another user has, and a node that only root opens up."""
    result = sandbox.run(env=NO_TLS, uid=4242, setup="chmod 600 dev/net/tun; chmod 1777 run")
    hint = result.failure().split("hint: ")[1]
    assert result.exit == 1 and "--user 0 -e DIND_MODE=rootless" in hint and hint.count("--user ") == 1, result
    assert 'user: "0"' in hint and "user: rootless" not in hint and hint.count("runAsUser") == 1, result
    assert "add the line 4242:100000:65536" in hint and "//" not in result.failure(), result


@pytest.mark.parametrize("how, status, parts", [
    ({"setup": ROOTLESS_SETUP + "rm dev/net/tun"}, 77, ["/dev/net/tun is missing", "--device /dev/net/tun", "modprobe tun"]),
    ({"setup": ROOTLESS_SETUP + "chmod 600 dev/net/tun"}, 77,
     ["/dev/net/tun is open to root only", "--user 0 -e DIND_MODE=rootless", "chmod 666 /dev/net/tun"]),
    ({"setup": ROOTLESS_SETUP + "rm dev/net/tun; mknod -m 666 dev/net/tun c 1 3"}, 77, ["/dev/net/tun is something else"]),
    ({"setup": ROOTLESS_SETUP + "mkdir -p home/rootless/.local/share/docker; chown -R 2000 home/rootless/.local; "
                                "chown 0 home/rootless/.local/share/docker; chmod 777 home/rootless/.local/share/docker"}, 1,
     ["is not owned by uid 2000", "/home/rootless/.local/share)", "DIND_MODE=rootless"]),
    ({"setup": ROOTLESS_SETUP, "env": {"XDG_RUNTIME_DIR": "/proc"}}, 1, ["need writable HOME", "/proc"]),
    ({"setup": ROOTLESS_SETUP, "host": Host(without=("rootlesskit",))}, 1, ["missing 'rootlesskit'"]),
    ({"setup": ROOTLESS_SETUP + ": > etc/subgid"}, 1, ["missing necessary entries", "rootless:100000:65536 to /etc/subgid"]),
    ({"setup": ROOTLESS_SETUP + "mkdir -p run/user/2000/containerd-rootless; chown -R 2000 run/user/2000"}, 1,
     ["containerd-rootless exists", "stop that containerd"]),
    ({"setup": ROOTLESS_SETUP, "host": Host(no_new_privs=True)}, 77, ["no_new_privs", "allowPrivilegeEscalation"]),
    ({"setup": ROOTLESS_SETUP, "env": {"DIND_MOUNTS_TMP": "tmpfs"}}, 78, ["mounts.tmp", "needs root"]),
    ({"setup": ROOTLESS_SETUP, "env": {"DIND_ROOTLESS_NET": "pasta", "DIND_API_TCP_ADDRESS": "127.0.0.1",
                                       "DIND_API_TCP_ENABLED": "true"}}, 78, ["port driver implicit"]),
    ({"setup": ROOTLESS_SETUP, "env": {"DIND_ROOTLESS_NET": "pasta", "DIND_ROOTLESS_PUBLISH": "on"}}, 78,
     ["rootless.publish: on", "set rootless.publish: auto"]),
    ({"setup": ROOTLESS_SETUP, "env": {"DIND_ROOTLESS_PORT_DRIVER": "implicit"}}, 78,
     ["port_driver: implicit", "network driver slirp4netns, which is the one here", "rootless.net: pasta"]),
    ({"setup": ROOTLESS_SETUP, "env": {"DIND_ROOTLESS_PORT_DRIVER": "builtin", "DIND_ROOTLESS_NET": "pasta"}}, 78,
     ["port_driver: builtin", "network driver pasta"]),
    ({"setup": ROOTLESS_SETUP, "host": Host(without=("pasta",)), "env": {"DIND_ROOTLESS_NET": "pasta"}}, 78,
     ["rootless.net: pasta (environment variable DIND_ROOTLESS_NET) is not in PATH", "install it in the image"]),
], ids=["no-tun", "closed-tun", "wrong-tun", "volume-of-roots", "runtime-dir", "no-rootlesskit", "no-subgid", "containerd",
        "no-new-privs", "tmp", "address", "publish", "ports-of-auto", "ports-of-pasta", "no-pasta"])
def test_it_is_refused_before_rootlesskit_starts(sandbox, how, status, parts):
    how = {**how, "env": {**NO_TLS, **how.get("env", {})}}
    result = sandbox.run(uid=2000, **how)
    assert result.exit == status, result
    assert not result.starts("rootlesskit")
    assert result.stderr.count("error: ") == 1
    for part in parts:
        assert part in result.failure(), result
