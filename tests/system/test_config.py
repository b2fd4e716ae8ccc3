"""Settings from YAML, environment and arguments: what the engine's command line then is, and how bad ones are refused."""

import json

import pytest
from sandbox import CONFIG, NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

UNIX = "--host=unix:///var/run/docker.sock"
IMAGE = {"DOCKER_TLS_CERTDIR": "/certs"}  # the environment of the official images


def tls_flags(folder="/certs", host="tcp://0.0.0.0:2376"):
    return [f"--host={host}", "--tlsverify", "--tlscacert", f"{folder}/server/ca.pem", "--tlscert", f"{folder}/server/cert.pem",
            "--tlskey", f"{folder}/server/key.pem"]


def engine_arguments(result):
    assert result.exit == 0, result
    return result.started("dockerd").argv


def check_refused(result, *parts):
    """Refused as a configuration error: before anything was started or written, in one message with a hint."""
    assert result.exit == 78, result
    assert not result.starts("dockerd") and not result.starts("rootlesskit")
    assert result.changes == {}, result
    assert result.stderr.startswith("error: ") and result.stderr.count("error:") == 1, result
    assert "\n  hint: " in result.stderr, result
    for part in parts:
        assert part in result.stderr, result


# ---- from settings to the engine's command line ----


@pytest.mark.parametrize("yaml, argv", [
    ("", [UNIX, *tls_flags()]),
    ("# nothing but a comment\n", [UNIX, *tls_flags()]),
    ("tls:\n", [UNIX, *tls_flags()]),
    ("tls: {dir: /my/certs}", [UNIX, *tls_flags("/my/certs")]),
    ("api: {tcp: {port: 4000}}", [UNIX, *tls_flags(host="tcp://0.0.0.0:4000")]),
    ('api: {tcp: {address: "::1"}}', [UNIX, *tls_flags(host="tcp://[::1]:2376")]),
    ("api: {tcp: {enabled: false}}", [UNIX]),
    ("api: {unix: {path: /run/my.sock, group: 2375}}", ["--host=unix:///run/my.sock", *tls_flags(), "--group=2375"]),
    ("args: [--mtu, 1400, --label, 'a b']", [UNIX, *tls_flags(), "--mtu", "1400", "--label", "a b"]),
    ("tls: {dir: ''}", [UNIX]),
    ("tls: {dir: ''}\napi: {tcp: {address: 127.0.0.1}}", [UNIX, "--host=tcp://127.0.0.1:2375", "--tls=false"]),
], ids=["empty", "comment", "empty-group", "tls-dir", "port", "ipv6", "no-tcp", "unix", "args", "tls-off", "tls-off-loopback"])
def test_yaml_reaches_the_engines_command_line(sandbox, yaml, argv):
    """With the images' own DOCKER_TLS_CERTDIR=/certs, which counts as a default."""
    assert engine_arguments(sandbox.run(env=IMAGE, host=Host(config=yaml))) == argv


@pytest.mark.parametrize("env, argv", [
    ({}, [UNIX, *tls_flags()]),
    (NO_TLS, [UNIX, "--host=tcp://0.0.0.0:2375", "--tls=false"]),
    ({"DOCKER_TLS_CERTDIR": "/other"}, [UNIX, *tls_flags("/other")]),
    ({"DIND_TLS_DIR": "/mine", "DOCKER_TLS_CERTDIR": "/certs"}, [UNIX, *tls_flags("/mine")]),
    ({"DIND_API_TCP_PORT": "4000"}, [UNIX, *tls_flags(host="tcp://0.0.0.0:4000")]),
    ({"DIND_API_TCP_ENABLED": "false"}, [UNIX]),
    ({"DOCKER_HOST": "unix:///run/other.sock"}, ["--host=unix:///run/other.sock", *tls_flags()]),
    ({"DIND_API_UNIX_PATH": "/run/mine.sock", "DOCKER_HOST": "unix:///run/other.sock"},
     ["--host=unix:///run/mine.sock", *tls_flags()]),
    ({"DIND_CONFIG": "/etc/dind/none-of-ours", "DIND_ARGS": ""}, None),
], ids=["nothing", "tls-off", "old-name", "name-beats-old-name", "port", "no-tcp", "socket", "socket-beats-old-name",
        "named-file"])
def test_the_environment_reaches_the_engines_command_line(sandbox, env, argv):
    result = sandbox.run(env=env)
    if argv is None:
        check_refused(result, "/etc/dind/none-of-ours: No such file or directory")
    else:
        assert engine_arguments(result) == argv


@pytest.mark.parametrize("env, argv", [
    (IMAGE, tls_flags("/yaml")),
    ({"DOCKER_TLS_CERTDIR": "/old"}, tls_flags("/old")),
    ({"DIND_TLS_DIR": "/new"}, tls_flags("/new")),
    (NO_TLS, ["--host=tcp://0.0.0.0:2375", "--tls=false"]),
], ids=["image-default", "old-name", "name", "emptied"])
def test_the_environment_beats_yaml_but_for_the_images_own_default(sandbox, env, argv):
    assert engine_arguments(sandbox.run(env=env, host=Host(config="tls: {dir: /yaml}"))) == [UNIX, *argv]


def test_another_file_is_read_where_dind_config_says(sandbox):
    result = sandbox.run(env={"DIND_CONFIG": "/my.yaml"}, host=Host(config="api: {tcp: {port: 1}}"),
                         setup="echo 'api: {tcp: {port: 2}}' > my.yaml")
    assert engine_arguments(result) == [UNIX, *tls_flags(host="tcp://0.0.0.0:2")]


def test_a_mounted_config_map_is_a_chain_of_links(sandbox):
    result = sandbox.run(setup="""
        mkdir -p etc/dind/..2026 && echo 'api: {tcp: {port: 4000}}' > etc/dind/..2026/config.yaml
        ln -s ..2026 etc/dind/..data && ln -s ..data/config.yaml etc/dind/config.yaml""")
    assert engine_arguments(result) == [UNIX, *tls_flags(host="tcp://0.0.0.0:4000")]


def test_differing_names_for_one_thing_are_a_warning(sandbox):
    result = sandbox.run(env={"DIND_TLS_DIR": "/new", "DOCKER_TLS_CERTDIR": "/old"})
    assert engine_arguments(result) == [UNIX, *tls_flags("/new")]
    assert result.warnings() == ["DIND_TLS_DIR and DOCKER_TLS_CERTDIR differ: DIND_TLS_DIR counts, remove DOCKER_TLS_CERTDIR"]


def test_a_near_miss_of_a_variable_is_a_warning_that_names_the_real_one(sandbox):
    result = sandbox.run(env={"DIND_TSL_DAYS": "3"})
    assert engine_arguments(result) == [UNIX, *tls_flags()]
    assert result.warnings() == ["DIND_TSL_DAYS is not known and has no effect: did you mean DIND_TLS_DAYS?"]


@pytest.mark.parametrize("env", [
    {"DIND_COMMIT": "65cfcc28ab37cb75e1560e4b4738719c07c6618e", "DIND_VERSION": "29.1.0"},
    {"DIND_PORT": "tcp://10.0.0.9:2376", "DIND_SERVICE_HOST": "10.0.0.9", "DIND_SERVICE_PORT": "2376",
     "DIND_SERVICE_PORT_TLS": "2376", "DIND_PORT_2376_TCP": "tcp://10.0.0.9:2376", "DIND_PORT_2376_TCP_ADDR": "10.0.0.9"},
], ids=["images", "kubernetes"])
def test_variables_of_images_and_services_named_dind_change_nothing(sandbox, env):
    result = sandbox.run(env=env)
    assert engine_arguments(result) == [UNIX, *tls_flags()]
    assert [w for w in result.warnings() if "DIND_VERSION" not in w] == []


@pytest.mark.parametrize("text, words", [
    ("--mtu 1400", ["--mtu", "1400"]),
    ("  --a\t--b\n--c  ", ["--a", "--b", "--c"]),
    ("--label 'a  b'", ["--label", "a  b"]),
    ('--label "it\'s"', ["--label", "it's"]),
    ("""--label='say "hi"'""", ['--label=say "hi"']),
    (r'--label "a\"b\\c"', ["--label", 'a"b\\c']),
    (r"--label a\ b", ["--label", "a b"]),
    ("--label ''", ["--label", ""]),
    ("--label $HOME;`id`|*~&#", ["--label", "$HOME;`id`|*~&#"]),
    ("", []),
], ids=lambda value: None)
def test_words_in_dind_args_are_split_and_quoted_as_a_shell_does_and_nothing_else_of_a_shell(sandbox, text, words):
    assert engine_arguments(sandbox.run(["--last"], {"DIND_ARGS": text})) == [UNIX, *tls_flags(), *words, "--last"]


def test_flags_of_yaml_come_before_those_of_the_command_line(sandbox):
    result = sandbox.run(["--mtu=1500", "-D"], host=Host(config="args: [--mtu=1400]"))
    assert engine_arguments(result) == [UNIX, *tls_flags(), "--mtu=1400", "--mtu=1500", "-D"]


def test_flags_of_the_environment_replace_those_of_yaml(sandbox):
    result = sandbox.run(env={"DIND_ARGS": "--mtu=1300"}, host=Host(config="args: [--mtu=1400, --debug]"))
    assert engine_arguments(result) == [UNIX, *tls_flags(), "--mtu=1300"]


# ---- dockerd as the first argument ----


def test_explicit_dockerd_gets_no_default_flags_but_what_was_asked_for(sandbox):
    result = sandbox.run(["dockerd", "--data-root", "/x"], {"DIND_ARGS": "--mtu 1400", "DIND_DAEMON": '{"debug": true}'})
    assert engine_arguments(result) == ["--config-file=/run/dind/daemon.json", "--mtu", "1400", "--data-root", "/x"]
    assert "/certs/ca/key.pem" not in result.changes, "nobody asked for certificates"


def test_explicit_dockerd_gets_the_preparation_too(sandbox):
    result = sandbox.run(["dockerd"], setup="echo 1 > run/docker.pid", look="ls /run > /out/run")
    assert engine_arguments(result) == []
    assert result.out("run") == "dind\n"
    assert result.started("dockerd").env["container"] == "docker"


# ---- bad configuration ----

BAD_YAML = {
    "unknown-key": ("mdoe: auto", f"{CONFIG}:1:1: mdoe: is not a known key", "did you mean mode?"),
    "unknown-nested-key": ("tls:\n  dais: 3", f"{CONFIG}:2:3: tls.dais: is not a known key", "did you mean tls.days?"),
    "unlike-any-key": ("zzzzzzzz: 3", f"{CONFIG}:1:1: zzzzzzzz: is not a known key", "known here: version, mode, tls"),
    "dotted-key": ("tls.days: 3", f"{CONFIG}:1:1: tls.days", "not with dots"),
    "wrong-type": ("tls:\n  days: many", f"{CONFIG}:2:9: tls.days: many is not a whole number", "from 1 to 825"),
    "map-for-text": ("tls:\n  dir: {a: b}", f"{CONFIG}:2:8: tls.dir: is a map", "absolute path"),
    "list-for-group": ("tls: [a]", f"{CONFIG}:1:6: tls: is a list, not a map", "write its keys below it"),
    "out-of-range": ("tls:\n  days: 9000", f"{CONFIG}:2:9: tls.days: 9000 is out of range", "from 1 to 825"),
    "beyond-64-bits": ("tls:\n  days: 99999999999999999999", f"{CONFIG}:2:9: tls.days", "from 1 to 825"),
    "unknown-word": ("init: docker_init", f"{CONFIG}:1:7: init: docker_init", "did you mean docker-init?"),
    "relative-path": ("tls: {dir: certs}", f"{CONFIG}:1:12: tls.dir: certs is not an absolute path", "absolute path"),
    "no-capability": ("capabilities:\n  drop: [SYS_ADMN]", f"{CONFIG}:2:10: capabilities.drop: SYS_ADMN is not a capability",
                      "NET_RAW"),
    "needed-capability": ("capabilities:\n  drop: [CHOWN]", "capabilities.drop: CHOWN", "leave it out"),
    "bad-mount": ("mounts:\n  extra:\n    - {source: /x, traget: /y}", f"{CONFIG}:3:20: mounts.extra[0].traget",
                  "did you mean target?"),
    "not-utf-8": ("mode: auto\nargs: [\udcff]", f"{CONFIG}:2:8: is not UTF-8", "UTF-8"),
    "unprintable": ("mode: a\x07uto", f"{CONFIG}:1:8: contains ", "remove it"),
    "anchor": ("mode: &a auto", f"{CONFIG}:1:7: anchors are not supported", "remove the &"),
    "alias": ("args: [*a]", f"{CONFIG}:1:8: aliases are not supported", "remove the *"),
    "tag": ("mode: !!str auto", f"{CONFIG}:1:7: tags are not supported", "remove the tag"),
    "twice": ("init: none\nmode: auto\ninit: none", f"{CONFIG}:3:1: init: is there twice", "keep one of the two"),
    "two-documents": ("mode: auto\n---\nmode: auto", f"{CONFIG}:2:1: a second document begins", "keep one"),
    "no-map": ("- auto", f"{CONFIG}:1:1: (top): is a list, not a map", "begin with a key"),
    "no-yaml": ("mode: [", f"{CONFIG}:2:1", "indentation"),
    "tab": ("tls:\n\tdays: 3", f"{CONFIG}:2:1", "indentation"),
    "deep": ("daemon: " + "{a: " * 40 + "1" + "}" * 40, f"{CONFIG}:1:69: is nested too deeply", "16 levels"),
    "deep-flow": ("[" * 100000, f"{CONFIG}:1:17: is nested too deeply", "16 levels"),
    "long-text": ("tls: {dir: /" + "a" * 70000 + "}", f"{CONFIG}:1:12: the text is too long", "65536"),
    "other-version": ("version: 2", f"{CONFIG}:1:10: version: 2 is out of range", "use 1"),
    "open-api": ("tls: {dir: ''}\napi: {tcp: {enabled: true}}", f"{CONFIG}:2:22", "the API would be open", "tls.dir"),
}


@pytest.mark.parametrize("yaml, parts", [(yaml, parts) for yaml, *parts in BAD_YAML.values()], ids=BAD_YAML)
def test_bad_yaml_is_refused_with_its_place_and_what_is_allowed(sandbox, yaml, parts):
    result = sandbox.run(host=Host(config=yaml))
    check_refused(result, *parts)
    assert len(result.stderr) < 1000, "a refusal does not repeat the whole input"


BAD_FILES = {
    "folder": ("mkdir -p etc/dind/config.yaml", "is a folder, not a file", "Docker makes a folder"),
    "fifo": ("mkdir etc/dind; mkfifo etc/dind/config.yaml", "is not a regular file", "mount a readable file"),
    "device": ("mkdir etc/dind; ln -s /dev/zero etc/dind/config.yaml", "is not a regular file", "mount a readable file"),
    "link-to-itself": ("mkdir etc/dind; ln -s config.yaml etc/dind/config.yaml", "Too many levels of symbolic links",
                       "mount a readable file"),
    "10-megabytes": ("mkdir etc/dind; head -c 10485760 /dev/zero | tr '\\0' '#' > etc/dind/config.yaml",
                     "is longer than 1048576 bytes", "1 MiB"),
    "file-for-folder": ("touch etc/dind", "Not a directory", "mount a readable file"),
}


@pytest.mark.parametrize("setup, parts", [(setup, parts) for setup, *parts in BAD_FILES.values()], ids=BAD_FILES)
def test_what_is_no_file_of_settings_is_refused(sandbox, setup, parts):
    check_refused(sandbox.run(setup=setup), f"error: {CONFIG}: ", *parts)


@pytest.mark.parametrize("setup, parts", [(setup, parts) for setup, *parts in BAD_FILES.values()], ids=BAD_FILES)
def test_dindctl_refuses_it_too(sandbox, setup, parts):
    result = sandbox.run(["config"], program="dindctl", setup=setup)
    check_refused(result, f"error: {CONFIG}: ", *parts)
    assert result.stdout == ""


def test_a_file_that_the_user_may_not_read_is_refused(sandbox):
    result = sandbox.run(uid=2000, host=Host(config="mode: auto"), setup=ROOTLESS_SETUP + "chmod 600 etc/dind/config.yaml")
    check_refused(result, f"{CONFIG}: Permission denied", "mode 0644")


@pytest.mark.parametrize("env, parts", [
    ({"DIND_CONFIG": ""}, ["DIND_CONFIG: is empty", f"leave it out for {CONFIG}"]),
    ({"DIND_CONFIG": "/nope.yaml"}, ["/nope.yaml: No such file or directory", "mount the file there"]),
    ({"DIND_CONFIG": "nope.yaml"}, ["nope.yaml: No such file or directory", "mount the file there"]),
    ({"DIND_CONFIG": "/etc"}, ["/etc: is a folder"]),
    ({"DIND_MODE": "rotless"}, ["DIND_MODE: rotless", "did you mean rootless?"]),
    ({"DIND_MODE": ""}, ["DIND_MODE: is empty", "use auto, rootful or rootless"]),
    ({"DIND_TLS_DAYS": "x"}, ["DIND_TLS_DAYS: x is not a whole number", "from 1 to 825"]),
    ({"DIND_API_TCP_ENABLED": "maybe"}, ["DIND_API_TCP_ENABLED: maybe", "use true or false"]),
    ({"DIND_ARGS": "'a"}, ["DIND_ARGS: has a quote that is not closed"]),
    ({"DIND_ARGS": "a\\"}, ["DIND_ARGS:", "end with no backslash"]),
    ({"DIND_DAEMON": "{"}, ["DIND_DAEMON: is not JSON", "write a JSON object"]),
    ({"DIND_DAEMON": "[]"}, ["DIND_DAEMON: is a list, not a map"]),
    ({"DIND_MOUNTS_EXTRA": "/a:/b"}, ["DIND_MOUNTS_EXTRA: is not JSON", "write a JSON list"]),
    ({"DIND_TLS_DIR": "\udcff"}, ["DIND_TLS_DIR"]),
    ({"DOCKER_TLS_CERTDIR": "certs"}, ["DOCKER_TLS_CERTDIR: certs is not an absolute path"]),
    ({"DOCKER_TLS_SAN": "DNS:fine,IP:300.0.0.1"}, ["tls.san", "DOCKER_TLS_SAN"]),
    ({"DOCKERD_ROOTLESS_ROOTLESSKIT_MTU": "big"}, ["DOCKERD_ROOTLESS_ROOTLESSKIT_MTU: big"]),
    ({"DIND_MODE": "rootless"}, ["rootless.user: rootless (default) is not in /etc/passwd"]),
    ({"DIND_INIT": "docker-init"}, None),
], ids=lambda value: "-".join(value) if isinstance(value, dict) else "")
def test_bad_variables_are_refused_by_name(sandbox, env, parts):
    if parts is None:
        check_refused(sandbox.run(env=env, host=Host(without=("docker-init",))), "docker-init is not in PATH", "init: builtin")
    else:
        check_refused(sandbox.run(env=env), *parts)


@pytest.mark.parametrize("env, part", [
    ({"DIND_MODE": "rootful"}, "needs root"),
    ({"DIND_MOUNTS_TMP": "tmpfs"}, "mounts.tmp"),
    ({"DIND_MOUNTS_SECURITYFS": "on"}, "mounts.securityfs"),
    ({"DIND_MOUNTS_EXTRA": '[{"source": "/a", "target": "/b"}]'}, "mounts.extra"),
], ids=["rootful", "tmp", "securityfs", "extra"])
def test_what_only_root_can_do_is_refused_without_root(sandbox, env, part):
    check_refused(sandbox.run(env={**NO_TLS, **env}, **ROOTLESS), part)


# ---- daemon: and the engine's own configuration file ----

READ_MERGED = "cp /run/dind/daemon.json /out/merged; cp /etc/docker/daemon.json /out/original"


def daemon_json(text, path="etc/docker/daemon.json"):
    return f"mkdir -p $(dirname {path}) && cat > {path} <<'END'\n{text}\nEND"


def test_without_daemon_no_file_is_written_and_none_is_named(sandbox):
    result = sandbox.run(setup=daemon_json('{"debug": true}'))
    assert engine_arguments(result) == [UNIX, *tls_flags()]
    assert "/run/dind/daemon.json" not in result.changes


def test_daemon_is_merged_over_the_file_that_the_engine_would_have_read(sandbox):
    original = '{"debug": true, "mtu": 1400, "log-opts": {"max-size": "1m", "max-file": "3"}}'
    result = sandbox.run(host=Host(config="daemon: {mtu: 1300, log-opts: {max-size: 2m}, dns: [10.0.0.1], icc: false}"),
                         setup=daemon_json(original), look=READ_MERGED)
    assert engine_arguments(result) == [UNIX, *tls_flags(), "--config-file=/run/dind/daemon.json"]
    assert json.loads(result.out("merged")) == {
        "debug": True, "mtu": 1300, "log-opts": {"max-size": "2m", "max-file": "3"}, "dns": ["10.0.0.1"], "icc": False}
    assert result.out("original") == original + "\n"


def test_daemon_alone_is_enough(sandbox):
    result = sandbox.run(env={"DIND_DAEMON": '{"features": {"x": true}}'},
                         look="cp /run/dind/daemon.json /out/merged; stat -c %a /run/dind/daemon.json >/out/mode")
    assert engine_arguments(result) == [UNIX, *tls_flags(), "--config-file=/run/dind/daemon.json"]
    assert json.loads(result.out("merged")) == {"features": {"x": True}}
    assert result.out("mode") == "600\n"  # proxies' passwords may stand in it


@pytest.mark.parametrize("flags", [["--config-file", "/my.json"], ["--config-file=/my.json"]])
def test_daemon_is_merged_over_the_users_own_config_file_and_wins(sandbox, flags):
    result = sandbox.run(flags, {"DIND_DAEMON": '{"mtu": 1300}'}, setup=daemon_json('{"mtu": 1, "debug": true}', "my.json"),
                         look="cp /run/dind/daemon.json /out/merged")
    assert engine_arguments(result) == [UNIX, *tls_flags(), *flags, "--config-file=/run/dind/daemon.json"]
    assert json.loads(result.out("merged")) == {"mtu": 1300, "debug": True}


@pytest.mark.parametrize("env, path", [
    ({}, "home/rootless/.config/docker/daemon.json"),
    ({"XDG_CONFIG_HOME": "/home/rootless/xdg"}, "home/rootless/xdg/docker/daemon.json"),
])
def test_a_rootless_engines_file_is_in_the_users_configuration_folder(sandbox, env, path):
    result = sandbox.run(env={**NO_TLS, **env, "DIND_DAEMON": '{"mtu": 1300}'}, uid=2000,
                         setup=f"{ROOTLESS_SETUP}\n{daemon_json('{' + chr(34) + 'debug' + chr(34) + ': true}', path)}",
                         look="cp /run/user/2000/dind/daemon.json /out/merged")
    assert "--config-file=/run/user/2000/dind/daemon.json" in engine_arguments(result)
    assert json.loads(result.out("merged")) == {"debug": True, "mtu": 1300}


@pytest.mark.parametrize("text, part", [
    ('{"debug": true,}', "/etc/docker/daemon.json:1:"),
    ('{\n  "debug": tru\n}', "/etc/docker/daemon.json:2:"),
    ("[]", "/etc/docker/daemon.json: is not a JSON object"),
    ('{"debug": true, "debug": false}', "/etc/docker/daemon.json:1:"),
    ("", None),
])
def test_a_broken_file_below_daemon_is_refused_with_its_place(sandbox, text, part):
    result = sandbox.run(env={"DIND_DAEMON": '{"mtu": 1300}'}, setup=daemon_json(text))
    if part:
        check_refused(result, part)
    else:
        check_refused(result, "/etc/docker/daemon.json")


def test_a_broken_file_is_the_engines_own_business_without_daemon(sandbox):
    assert engine_arguments(sandbox.run(setup=daemon_json("{"))) == [UNIX, *tls_flags()]


def test_a_config_file_that_is_missing_is_refused_when_daemon_needs_it(sandbox):
    check_refused(sandbox.run(["--config-file=/nope.json"], {"DIND_DAEMON": '{"mtu": 1300}'}), "/nope.json")


@pytest.mark.parametrize("args, file, yaml, parts", [
    ([], '{"hosts": ["tcp://0.0.0.0:1"]}', "", ["/etc/docker/daemon.json: hosts", "--host", "api.*"]),
    ([], '{"tlsverify": true}', "", ["/etc/docker/daemon.json: tlsverify", "--tlsverify"]),
    (["--debug"], '{"debug": true}', "", ["/etc/docker/daemon.json: debug", "--debug"]),
    (["-D"], '{"debug": true}', "", ["/etc/docker/daemon.json: debug", "--debug"]),
    (["dockerd", "--dns", "1.1.1.1"], '{"dns": ["8.8.8.8"]}', "", ["/etc/docker/daemon.json: dns", "--dns"]),
    ([], None, "daemon: {hosts: ['unix:///x']}", [f"{CONFIG}:1:9", "hosts", "--host"]),
    (["--mtu=1"], None, "daemon: {mtu: 2}", [f"{CONFIG}:1:9", "mtu", "--mtu"]),
    ([], None, "daemon: {mtu: 2}\nargs: [--mtu=1]", [f"{CONFIG}:1:9", "mtu", "--mtu"]),
], ids=["hosts", "tlsverify", "long-flag", "short-flag", "explicit", "daemon-hosts", "daemon-flag", "daemon-args"])
def test_a_setting_that_is_both_flag_and_in_the_file_is_named_before_the_engine_starts(sandbox, args, file, yaml, parts):
    """dockerd itself refuses it, later and in its own words."""
    result = sandbox.run(args, host=Host(config=yaml), setup=daemon_json(file) if file else "")
    check_refused(result, *parts)


@pytest.mark.parametrize("args, file", [
    (["dockerd"], '{"hosts": ["tcp://0.0.0.0:1"]}'),
    (["--add-runtime", "a=/a"], '{"runtimes": {"b": {"path": "/b"}}}'),
    (["--debug"], '{"mtu": 1400}'),
], ids=["explicit", "runtimes", "different"])
def test_what_dockerd_accepts_is_no_conflict(sandbox, args, file):
    engine_arguments(sandbox.run(args, setup=daemon_json(file)))
