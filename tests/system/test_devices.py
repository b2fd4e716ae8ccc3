"""Device nodes that nested containers are given: made, opened up, and tried."""

from sandbox import NO_TLS, Host

LOOK = "ls -l /dev/net/tun /dev/fuse > /out/nodes 2>&1; stat -c '%n %a %t:%T' /dev/net/tun /dev/fuse > /out/modes 2>/dev/null"
MADE = ["/dev/net/tun 666 a:c8", "/dev/fuse 666 a:e5"]


def test_missing_nodes_are_made_and_open_to_every_user(sandbox):
    result = sandbox.run(env=NO_TLS, look=LOOK)
    assert result.out("modes").splitlines() == MADE, result


def test_nodes_that_only_root_can_open_are_opened_up(sandbox):
    """A host without udev makes them 0600, and docker run --device copies the mode."""
    result = sandbox.run(env=NO_TLS, look=LOOK,
                         setup="mkdir -p dev/net; mknod -m 600 dev/net/tun c 10 200; mknod -m 600 dev/fuse c 10 229")
    assert result.out("modes").splitlines() == MADE, result


def test_something_else_of_that_name_is_told_and_stays(sandbox):
    result = sandbox.run(env=NO_TLS, look=LOOK, setup="mknod -m 666 dev/fuse c 1 3")
    assert "/dev/fuse 666 1:3" in result.out("modes").splitlines()
    assert [w for w in result.warnings() if "/dev/fuse: something else has its name" in w], result


def test_without_the_right_to_make_nodes_nothing_is_tried(sandbox):
    result = sandbox.run(host=Host(drop=("MKNOD",)))
    assert result.exit == 77, result  # it is in the default set of every container, so the engine is refused anyway
    assert "CAP_MKNOD" in result.stderr


def test_nodes_that_are_there_are_left_alone(sandbox):
    result = sandbox.run(["plan", "--json"], NO_TLS, program="dindctl",
                         setup="mkdir -p dev/net; mknod dev/net/tun c 10 200; mknod dev/fuse c 10 229; chmod 666 dev/net/tun dev/fuse")
    assert '"step": "devices"' not in result.stdout, result
