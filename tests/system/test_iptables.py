"""Which iptables the engine finds first in PATH, and what was run and asked for to find out."""

import re

import pytest
from sandbox import LEGACY_FOLDER, NO_TLS, PATH, ROOTLESS, Host

LEGACY_PATH = f"{LEGACY_FOLDER}:{PATH}"
PROBE = ["-n", "-L"]


def run(sandbox, env=None, exits=(0,), legacy_exits=(0,), **how):
    """`exits`: statuses of iptables, one for each time it is run; the last one stays."""
    stub = {"iptables.exit": "".join(f"{status}\n" for status in exits),
            "iptables-legacy.exit": "".join(f"{status}\n" for status in legacy_exits)}
    result = sandbox.run(env={**NO_TLS, **(env or {})}, stub=stub, **how)
    assert result.exit == 0, result
    return result


def probes(result):
    return len(result.starts("iptables")), len(result.starts("iptables-legacy"))


def path(result):
    return result.started("dockerd").env["PATH"]


# ---- told by the user ----


@pytest.mark.parametrize("env, chosen", [
    ({"DOCKER_IPTABLES_LEGACY": "1"}, LEGACY_PATH),
    ({"DOCKER_IPTABLES_LEGACY": "0"}, LEGACY_PATH),
    ({"DOCKER_IPTABLES_LEGACY": ""}, PATH),
    ({"DIND_NETWORK_IPTABLES": "legacy"}, LEGACY_PATH),
    ({"DIND_NETWORK_IPTABLES": "nft"}, PATH),
    ({"DIND_NETWORK_IPTABLES": "nft", "DOCKER_IPTABLES_LEGACY": "1"}, PATH),
], ids=["set", "set-to-0", "set-and-empty", "legacy", "nft", "name-beats-old-name"])
def test_what_the_user_chose_is_not_probed(sandbox, env, chosen):
    result = run(sandbox, env, exits=[1], legacy_exits=[1])
    assert path(result) == chosen
    assert probes(result) == (0, 0)


def test_legacy_that_the_image_lacks_is_told(sandbox):
    result = run(sandbox, {"DOCKER_IPTABLES_LEGACY": "1"}, host=Host(legacy_iptables=False))
    assert [w for w in result.warnings() if f"{LEGACY_FOLDER} has no iptables" in w], result


def test_the_choice_comes_from_yaml_too(sandbox):
    assert path(run(sandbox, host=Host(config="network: {iptables: legacy}"))) == LEGACY_PATH


# ---- found out ----


def test_an_iptables_that_works_is_taken_after_one_look(sandbox):
    result = run(sandbox)
    assert path(result) == PATH
    assert probes(result) == (1, 0)
    assert result.started("iptables").argv == PROBE


def test_it_is_looked_at_again_after_its_module_was_asked_for(sandbox):
    result = run(sandbox, exits=[1, 0])
    assert path(result) == PATH
    assert probes(result) == (2, 0)


def test_legacy_is_tried_only_when_the_default_does_not_work(sandbox):
    """Running it loads its modules, and so would decide by looking."""
    result = run(sandbox, exits=[1, 1])
    assert path(result) == LEGACY_PATH
    assert probes(result) == (2, 1)
    assert result.started("iptables-legacy").argv == PROBE


def test_when_nothing_works_the_engine_may_try_and_the_user_is_told(sandbox):
    result = run(sandbox, exits=[3], legacy_exits=[3])
    assert path(result) == PATH
    assert [w for w in result.warnings() if "`iptables -nL` fails" in w and "modprobe nf_tables" in w], result


def test_an_image_without_a_legacy_set_stays_with_its_default(sandbox):
    result = run(sandbox, exits=[3], host=Host(legacy_iptables=False))
    assert path(result) == PATH
    assert probes(result) == (2, 0)
    assert [w for w in result.warnings() if "`iptables -nL` fails" in w], result


# The machine's own /usr/sbin/iptables would be found behind the stubs.
NO_IPTABLES = "rm -f usr/sbin/iptables sbin/iptables usr/local/bin/iptables"


def test_an_image_without_iptables_is_told(sandbox):
    result = run(sandbox, setup=NO_IPTABLES, host=Host(legacy_iptables=False))
    assert path(result) == PATH
    assert [w for w in result.warnings() if "there is no iptables in PATH" in w and "--iptables=false" in w], result


def test_an_image_with_nothing_but_legacy_uses_it(sandbox):
    result = run(sandbox, setup=NO_IPTABLES)
    assert path(result) == LEGACY_PATH
    assert not [w for w in result.warnings() if "iptables" in w], result


@pytest.mark.parametrize("program, file", [("iptables-legacy", "ip_tables_names"), ("ip6tables-legacy", "ip6_tables_names")])
def test_legacy_tables_in_use_decide_without_a_probe(sandbox, program, file):
    """Rules of one kind are invisible to the other. Looking at a table is what makes it."""
    result = run(sandbox, setup=f"/usr/sbin/{program} -t filter -nL > tmp/log 2>&1; cp proc/net/{file} out/tables; :")
    if result.out("tables") != "filter\n":
        pytest.skip(f"needs a kernel with {file.removesuffix('_names')}")
    assert path(result) == LEGACY_PATH
    assert probes(result) == (0, 0)
    assert "iptables: legacy, since legacy tables are in use" in [line["msg"] for line in result.log("info")]


def test_a_path_of_ones_own_is_kept_behind_the_legacy_folder(sandbox):
    result = run(sandbox, {"DOCKER_IPTABLES_LEGACY": "1", "PATH": "/opt/bin:/usr/local/bin:/usr/bin:/bin"})
    assert path(result) == f"{LEGACY_FOLDER}:/opt/bin:/usr/local/bin:/usr/bin:/bin"


def test_the_rootless_engine_gets_the_choice_too(sandbox):
    result = run(sandbox, {"DOCKER_IPTABLES_LEGACY": "1"}, **ROOTLESS)
    assert result.started("rootlesskit").env["PATH"] == path(result) == LEGACY_PATH


def test_a_probe_that_never_ends_is_given_up(sandbox):
    """A stopped process must not keep the container from starting. The wait is told at once that its time is over."""
    result = run(sandbox, host=Host(without=("iptables",)), setup="""
        printf '#!/bin/sh\\n[ ! -e /out/pid ] || exit 0\\necho $$ > /out/pid; exec sleep 1000\\n' > usr/local/bin/iptables
        chmod +x usr/local/bin/iptables""", look="ls -d /proc/$(cat /out/pid) > /out/left 2>&1", around="""
        exec strace -f -o /out/trace -e trace=poll,ppoll -e inject=poll,ppoll:retval=0:delay_enter=100000:when=1 "$@" """)
    assert "No such file" in result.out("left"), "killed and reaped"
    first = next(line for line in result.out("trace").splitlines() if "poll(" in line)
    assert re.search(r"\], 1, (\d+|\{tv_sec=\d+, tv_nsec=\d+\}, .*)\) = 0 .*INJECTED", first), "it waits for a time, not for ever"


def test_probes_neither_read_nor_write_where_the_launcher_does(sandbox):
    result = run(sandbox)
    assert set(result.started("iptables").descriptors.values()) == {"/dev/null"}
    assert [result.started("iptables").bits(name) for name in ("SigBlk", "SigIgn")] == [0, 0]


# ---- kernel modules ----

TRACE = 'exec strace -f -o /out/trace -e trace=ioctl "$@"'


def requested(result):
    """In the order in which the kernel was asked for them: it loads what an unknown interface is named after."""
    return [line.split('ifr_name="')[1].split('"')[0] for line in result.out("trace").splitlines() if "SIOCGIFINDEX" in line]


@pytest.mark.parametrize("env, exits, modules", [
    ({}, [0], []),
    ({}, [1, 0], ["nf_tables"]),
    ({}, [1, 1], ["nf_tables", "ip_tables", "ip6_tables"]),
    ({"DIND_NETWORK_IPTABLES": "nft"}, [0], ["nf_tables"]),
    ({"DIND_NETWORK_IPTABLES": "legacy"}, [0], ["ip_tables", "ip6_tables"]),
], ids=["works", "nft-later", "legacy", "nft-asked", "legacy-asked"])
def test_modules_are_requested_from_the_kernel_and_by_no_program(sandbox, env, exits, modules):
    """modprobe(8) needs /lib/modules, which no container has, and complains about it."""
    result = run(sandbox, env, exits, around=TRACE)
    assert requested(result) == modules
    assert not result.starts("modprobe")
    assert "/lib/modules" not in result.stderr
