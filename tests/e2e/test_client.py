"""The image as a client: any command that is not dockerd, with the certificates of another container."""

import lab

DIND_OPTIONS = ("-v", "e2e-client-certs:/certs/client")


def client(dind, *arguments, options=(), **keywords):
    return lab.outer("run", "--rm", "--add-host", f"docker:{dind.address()}", "-v", "e2e-client-certs:/certs/client:ro",
                     *options, lab.IMAGE, *arguments, **keywords)


def test_a_docker_subcommand_finds_the_engine_named_docker_over_tls(dind):
    assert client(dind, "info", "-f", "{{.Name}}").stdout.strip() == dind.name


def test_a_command_that_docker_does_not_know_is_executed_with_the_environment_set(dind):
    done = client(dind, "sh", "-c", "echo $DOCKER_HOST $DOCKER_TLS_VERIFY $DOCKER_CERT_PATH")
    assert done.stdout.split() == ["tcp://docker:2376", "1", "/certs/client"]


def test_an_unprivileged_user_can_read_the_client_certificates(dind):
    done = client(dind, "version", "-f", "{{.Server.Version}}", options=("--user", "1234:1234"))
    assert done.stdout.strip()


def test_the_status_of_the_command_is_the_status_of_the_container(dind):
    assert client(dind, "sh", "-c", "exit 23", check=False).returncode == 23


def test_without_privilege_the_engine_is_refused_once_and_fully(engine):
    """Today's script prints a page of noise here. The text names what is missing and the flags that mend it."""
    done = lab.outer("run", "--rm", lab.IMAGE, check=False)
    text = done.stdout + done.stderr
    print("\n" + text)
    assert done.returncode == 77
    assert "--privileged" in text
    assert "securityContext" in text or "privileged: true" in text
    assert len(text.splitlines()) < 25
