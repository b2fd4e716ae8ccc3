"""
Nested containers in an outer network that does not suit the engine's defaults: a pod's kind of network.

All of it lies in network namespaces inside of the container: eth0 has a single address of 172.17.0.0/16, whose other hosts are
reached by a gateway that is in no network, over a link that takes 1400 bytes; the far host takes 1500 and never hears that its
packets are too long. An engine that is left alone puts docker0 over it, and announces segments that get lost.
"""

import json

import pytest

import lab

FAR = "172.17.9.9"
OUTER = f"""
set -e
ip netns add middle; ip netns add far
ip link add eth0 mtu 1400 type veth peer name m0 mtu 1400 netns middle
ip link add m1 netns middle type veth peer name f0 netns far
ip addr add 172.17.0.2/32 dev eth0; ip link set eth0 up
ip route add 169.254.1.1 dev eth0 scope link; ip route add default via 169.254.1.1
middle="ip netns exec middle" far="ip netns exec far"
$middle sysctl -qw net.ipv4.ip_forward=1
$middle ip addr add 169.254.1.1/32 dev m0; $middle ip link set m0 up; $middle ip route add 172.17.0.2 dev m0
$middle ip addr add 172.17.9.10/30 dev m1; $middle ip link set m1 up
$middle iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP
$far ip link set lo up; $far ip addr add {FAR}/30 dev f0; $far ip link set f0 up; $far ip route add default via 172.17.9.10
mkdir /far; head -c 1000000 /dev/zero > /far/million
$far /busybox httpd -p 80 -h /far
"""


@pytest.fixture(scope="module")
def box(engine, tmp_path_factory):
    def make_network(dind):
        dind.outer("cp", "-L", lab.BUSYBOX.resolve(), f"{dind.name}:/busybox")
        dind.exec("sh", "-c", OUTER)

    dind = lab.Dind("e2e-network", options=("--network", "none"), before=make_network)
    dind.load_tiny_image(tmp_path_factory.mktemp("tiny"))
    yield dind
    dind.remove()


def nested(dind, *command, network="bridge"):
    return dind.exec("docker", "run", "--rm", "--network", network, "tiny", "/bin/busybox", *command).stdout


def test_the_default_bridge_keeps_away_from_the_outer_network(box):
    bridge = json.loads(box.exec("docker", "network", "inspect", "bridge").stdout)[0]
    assert bridge["IPAM"]["Config"][0]["Subnet"] == "172.18.0.0/16"
    assert "172.17.0.2/32 (address of eth0)" in box.beginning()


def test_a_nested_container_reaches_an_outer_address_with_full_size_packets(box):
    assert nested(box, "cat", "/sys/class/net/eth0/mtu") == "1400\n"
    assert "1380 bytes from 172.17.9.9" in nested(box, "ping", "-c", "1", "-W", "5", "-s", "1372", FAR)
    fragments = box.exec("ip", "netns", "exec", "far", "nstat", "-asz", "IpReasmReqds").stdout
    assert fragments.split()[-2] == "0", "it came in one piece"


def test_whole_files_come_in_from_a_host_with_a_larger_mtu(box):
    assert nested(box, "sh", "-c", f"timeout 30 /bin/busybox wget -q -O - http://{FAR}/million | /bin/busybox wc -c") == "1000000\n"


def test_networks_that_are_made_later_fit_too(box):
    box.exec("docker", "network", "create", "later")
    try:
        assert nested(box, "cat", "/sys/class/net/eth0/mtu", network="later") == "1400\n"
        got = nested(box, "sh", "-c", f"timeout 30 /bin/busybox wget -q -O - http://{FAR}/million | /bin/busybox wc -c", network="later")
        assert got == "1000000\n"
    finally:
        box.exec("docker", "network", "rm", "later")
