"""How nested networks fit into the outer one: what the engine's configuration file gets, seen from dockerd."""

import json

import pytest
from sandbox import NO_TLS, ROOTLESS, ROOTLESS_SETUP, Host

LOOK = "cp /run/dind/daemon.json /out/ 2>/dev/null"
WAY_OUT = "ip route add default via 10.77.0.1 dev eth0\n"
SMALL = WAY_OUT + "ip link set eth0 mtu 1400\n"
NETWORKS = {"bridge": {"com.docker.network.driver.mtu": "1400"}}


def configuration(result):
    """What dockerd reads, or None where it got no file of ours."""
    argv = result.started("dockerd").argv
    written = [word for word in argv if word.startswith("--config-file=")]
    assert written in ([], ["--config-file=/run/dind/daemon.json"]), result
    return json.loads(result.out("daemon.json")) if written else None


def start(sandbox, args=(), env=None, **how):
    result = sandbox.run(args, {**NO_TLS, **(env or {})}, look=LOOK, **how)
    assert result.exit == 0, result
    return result


# ---- MTU ----


def test_a_smaller_mtu_goes_to_all_nested_networks(sandbox):
    result = start(sandbox, setup=SMALL)
    assert configuration(result) == {"mtu": 1400, "default-network-opts": NETWORKS}
    assert [line for line in result.log("info") if "1400" in line["msg"] and "eth0" in line["msg"]], result


def test_an_engine_before_24_gets_what_it_knows_and_a_warning(sandbox):
    result = start(sandbox, setup=SMALL, stub={"old": ""})
    assert configuration(result) == {"mtu": 1400}
    assert [w for w in result.warnings() if "default bridge alone" in w], result


def test_the_mtu_of_the_route_counts_where_it_is_smaller(sandbox):
    result = start(sandbox, setup="ip route add default via 10.77.0.1 dev eth0 mtu 1423\n")
    assert configuration(result)["mtu"] == 1423


def test_the_route_with_the_lowest_metric_is_the_way_out(sandbox):
    result = start(sandbox, setup=SMALL + """ip link add eth1 type veth peer name eth1-peer; ip addr add 10.78.0.2/24 dev eth1
        ip link set eth1 mtu 1300 up; ip link set eth1-peer up; ip route add default via 10.78.0.1 dev eth1 metric 100""")
    assert configuration(result)["mtu"] == 1400


@pytest.mark.parametrize("setup", ["", WAY_OUT, WAY_OUT + "ip link set eth0 mtu 9000\n", "ip link set eth0 mtu 1400\n"],
                         ids=["no route", "1500", "larger", "smaller without a route"])
def test_nothing_is_written_where_nothing_has_to_be(sandbox, setup):
    assert configuration(start(sandbox, setup=setup)) is None


@pytest.mark.parametrize("args, env, setup", [
    (["--mtu=1300"], {}, ""),
    (["--mtu", "1300"], {}, ""),
    (["--default-network-opt=bridge=com.docker.network.driver.mtu=1300"], {}, ""),
    (["dockerd"], {}, ""),
    ([], {"DIND_NETWORK_MTU": "off"}, ""),
    ([], {"DIND_ARGS": "--mtu 1300"}, ""),
    ([], {}, "mkdir -p etc/docker; echo '{\"mtu\": 1300}' > etc/docker/daemon.json"),
    ([], {}, "mkdir -p etc/docker; echo no JSON > etc/docker/daemon.json"),
], ids=["flag", "flag in two words", "flag for networks", "explicit dockerd", "off", "args", "file", "a file for dockerd to refuse"])
def test_what_the_user_said_stays_as_it_is(sandbox, args, env, setup):
    assert configuration(start(sandbox, args, env, setup=SMALL + setup)) is None


def test_options_of_the_user_stay_beside_it(sandbox):
    mine = {"bridge": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}}
    setup = f"mkdir -p etc/docker; echo '{json.dumps({'default-network-opts': mine, 'debug': True})}' > etc/docker/daemon.json"
    assert configuration(start(sandbox, setup=SMALL + setup)) == {
        "mtu": 1400, "debug": True, "default-network-opts": {"bridge": {**NETWORKS["bridge"], **mine["bridge"]}}}


def test_a_number_counts_whatever_is_outside_and_for_an_explicit_dockerd_too(sandbox):
    result = start(sandbox, ["dockerd"], {"DIND_NETWORK_MTU": "9000"}, setup=SMALL)
    assert configuration(result)["mtu"] == 9000


# ---- pools ----


def test_a_network_that_the_engine_does_not_see_moves_the_pools(sandbox):
    """A single address, as in many a pod: dockerd looks at on-link routes alone."""
    result = start(sandbox, setup="ip addr add 172.17.5.9/32 dev eth0\n")
    assert [pool["base"] for pool in configuration(result)["default-address-pools"]] == [
        "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/14", "172.24.0.0/14", "172.28.0.0/14", "192.168.0.0/16"]
    assert [line for line in result.log("info") if "172.17.5.9/32 (address of eth0)" in line["msg"]], result


def test_a_route_through_a_gateway_moves_them_too(sandbox):
    result = start(sandbox, setup="ip route add 172.18.0.0/15 via 10.77.0.1\n")
    assert [pool["base"] for pool in configuration(result)["default-address-pools"]][:2] == ["172.17.0.0/16", "172.20.0.0/14"]


def test_what_the_engine_sees_by_itself_is_left_to_it(sandbox):
    assert configuration(start(sandbox, setup="ip addr add 172.17.0.9/16 dev eth0\n")) is None


def test_bridges_of_an_engine_that_ran_here_before_are_no_outer_networks(sandbox):
    result = start(sandbox, setup="ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up\n")
    assert configuration(result) is None


def test_pools_of_the_user_stay(sandbox):
    setup = "ip addr add 172.17.5.9/32 dev eth0\n"
    assert configuration(start(sandbox, ["--default-address-pool=base=10.1.0.0/16,size=24"], setup=setup)) is None
    mine = configuration(start(sandbox, env={"DIND_NETWORK_POOLS": "10.1.0.0/16"}, setup=setup))
    assert mine == {"default-address-pools": [{"base": "10.1.0.0/16", "size": 24}]}


def test_a_rootless_engine_sees_nothing_of_the_outer_network(sandbox):
    result = sandbox.run(env=NO_TLS, look='cp "$XDG_RUNTIME_DIR/dind/daemon.json" /out/', **{
        **ROOTLESS, "setup": ROOTLESS_SETUP + "ip addr add 172.17.0.9/16 dev eth0\nip link set eth0 mtu 1400\n" + WAY_OUT})
    written = json.loads(result.out("daemon.json"))
    assert written["default-address-pools"][0] == {"base": "172.18.0.0/16", "size": 16}
    assert "mtu" not in written, "rootlesskit's network ends connections"


def test_a_bridge_address_over_the_outer_network_is_told(sandbox):
    result = start(sandbox, env={"DIND_NETWORK_BIP": "10.77.0.1/24"})
    assert configuration(result) == {"bip": "10.77.0.1/24"}
    assert [w for w in result.warnings() if "10.77.0.1/24 covers 10.77.0.0/24" in w], result


# ---- name servers ----


@pytest.mark.parametrize("servers, told", [
    (["127.0.0.11"], True), (["127.0.0.1", "::1"], True), (["127.0.0.11", "192.0.2.53"], False), (["192.0.2.53"], False),
    ([], False)])
def test_loopback_name_servers_are_told_where_there_are_no_others(sandbox, servers, told):
    lines = "".join(f"nameserver {server}\\n" for server in servers)
    result = start(sandbox, setup=f"rm -f etc/resolv.conf; printf 'search x\\n{lines}' > etc/resolv.conf")
    assert bool([w for w in result.warnings() if "network.dns" in w]) == told, result
    assert configuration(result) is None


def test_name_servers_that_are_set_reach_the_engine(sandbox):
    result = start(sandbox, env={"DIND_NETWORK_DNS": "192.0.2.53 2001:db8::53"},
                   setup="rm -f etc/resolv.conf; echo nameserver 127.0.0.11 > etc/resolv.conf")
    assert configuration(result) == {"dns": ["192.0.2.53", "2001:db8::53"]}
    assert not result.warnings()[1:], result


# ---- short keys ----


def test_short_keys_and_daemon_come_together_over_the_users_file(sandbox):
    setup = "mkdir -p etc/docker; echo '{\"registry-mirrors\": [\"https://old.example\"], \"debug\": true}' > etc/docker/daemon.json"
    config = "registry: {mirrors: [https://a.example, https://b.example]}\ndaemon: {log-driver: local}\n"
    result = start(sandbox, env={"DOCKER_INSECURE_REGISTRY": "r.example:5000"}, setup=setup, host=Host(config=config))
    assert configuration(result) == {"registry-mirrors": ["https://a.example", "https://b.example"], "debug": True,
                                     "insecure-registries": ["r.example:5000"], "log-driver": "local"}


def test_proxies_go_through_the_environment_and_stay_out_of_the_log(sandbox):
    proxy = "http://user:geheim@proxy.example:3128"
    result = start(sandbox, env={"DIND_NETWORK_PROXY_HTTP": proxy, "DIND_NETWORK_PROXY_HTTPS": proxy, "http_proxy": "http://old",
                                 "DIND_NETWORK_PROXY_NO": "localhost,.example", "DIND_LOG_LEVEL": "debug"})
    env = result.started("dockerd").env
    assert {env[name] for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")} == {proxy}
    assert env["NO_PROXY"] == env["no_proxy"] == "localhost,.example"
    assert configuration(result) is None, "engines before 23.0 know no such keys"
    assert "geheim" not in result.stderr


@pytest.mark.parametrize("env, args, parts", [
    ({"DIND_NETWORK_MTU": "60"}, [], ["DIND_NETWORK_MTU: 60 is out of range", "from 68 to 65535"]),
    ({"DIND_NETWORK_POOLS": "10.0.0.1/8"}, [], ["10.0.0.1/8 is the address of a host"]),
    ({"DOCKER_DEFAULT_ADDRESS_POOL_BASE": "10.0.0.0/8", "DOCKER_DEFAULT_ADDRESS_POOL_SIZE": "7"}, [], ["do not fit"]),
    ({"DIND_NETWORK_BIP": "172.30.0.0/16"}, [], ["is not the address of a host"]),
    ({"DIND_NETWORK_DNS": "dns.example"}, [], ["is not an IP address"]),
    ({"DIND_REGISTRY_MIRRORS": "mirror.example"}, [], ["does not begin with https://"]),
    ({"DIND_REGISTRY_INSECURE": "r.example/x"}, [], ["is neither a host nor a network"]),
    ({"DIND_REGISTRY_MIRRORS": "https://a.example"}, ["--registry-mirror=https://b.example"],
     ["registry.mirrors (environment variable DIND_REGISTRY_MIRRORS)", "by the flag --registry-mirror"]),
    ({"DIND_NETWORK_MTU": "1400"}, ["--mtu=1300"], ["network.mtu (environment variable DIND_NETWORK_MTU)", "by the flag --mtu"]),
    ({"DIND_NETWORK_MTU": "1400", "DIND_DAEMON": '{"mtu": 1300}'}, [], ["daemon", "by network.mtu"]),
    ({"DIND_NETWORK_BIP": "172.30.0.1/16", "DIND_DAEMON": '{"bip": "172.31.0.1/16"}'}, [], ["daemon", "by network.bip"]),
    ({"DIND_NETWORK_PROXY_NO": "a"}, ["--no-proxy=b"], ["network.proxy.no", "--no-proxy"]),
])
def test_what_cannot_be_is_told_before_the_engine_starts(sandbox, env, args, parts):
    result = sandbox.run(args, {**NO_TLS, **env})
    assert result.exit == 78, result
    assert not result.starts("dockerd")
    for part in parts:
        assert part in result.failure(), result


def test_a_bad_proxy_is_refused_without_its_password(sandbox):
    result = sandbox.run(env={**NO_TLS, "DIND_NETWORK_PROXY_HTTP": "ftp://user:geheim@proxy.example"})
    assert result.exit == 78 and "has a scheme that the engine does not know" in result.failure()
    assert "geheim" not in result.stderr
