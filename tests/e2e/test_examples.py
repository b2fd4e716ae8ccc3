"""The examples agree with the image: names, folders, ports."""

import os
import re

import yaml

import lab

LAUNCHER = os.environ.get("LAUNCHER_DINDCTL", lab.TOP / "build" / "dev" / "dindctl")
DOCKERFILE = (lab.TOP / "Dockerfile").read_text()


def compose():
    return yaml.safe_load((lab.TOP / "examples" / "compose.yaml").read_text())


def volumes_of(service):
    """{folder in the container: volume name}"""
    return {entry.split(":")[1]: entry.split(":")[0] for entry in service.get("volumes", ())}


def test_compose_builds_our_image_from_the_top_of_the_tree():
    build = compose()["services"]["docker"]["build"]
    folder = (lab.TOP / "examples" / build["context"]).resolve()
    assert folder == lab.TOP
    assert (folder / "Dockerfile").is_file()
    assert re.search(rf"^FROM .* AS {build['target']}$", DOCKERFILE, re.M)


def test_compose_runs_the_engine_privileged_with_its_data_on_a_volume():
    engine = compose()["services"]["docker"]
    assert engine["privileged"] is True
    assert "/var/lib/docker" in volumes_of(engine)


def test_compose_shares_the_client_certificates_and_nothing_else_of_certs():
    document = compose()
    engine, client = document["services"]["docker"], document["services"]["client"]
    directory = re.search(r"^ENV DOCKER_TLS_CERTDIR=(\S+)$", DOCKERFILE, re.M).group(1)
    shared = volumes_of(engine)[f"{directory}/client"]
    folder = next(where for where, name in volumes_of(client).items() if name == shared)
    assert client["environment"]["DOCKER_CERT_PATH"] == folder
    assert [where for where in volumes_of(engine) if where.startswith(directory)] == [f"{directory}/client"]
    assert any(entry.startswith(f"{shared}:") and entry.endswith(":ro") for entry in client["volumes"])
    assert set(volumes_of(engine).values()) | set(volumes_of(client).values()) == set(document["volumes"])


def test_compose_clients_use_the_name_and_the_port_of_the_engine():
    environment = compose()["services"]["client"]["environment"]
    assert environment["DOCKER_HOST"] == "tcp://docker:2376"
    assert str(environment["DOCKER_TLS_VERIFY"]) == "1"
    assert re.search(r"^EXPOSE .*\b2376\b", DOCKERFILE, re.M)


def test_compose_clients_wait_for_the_health_of_the_engine():
    assert compose()["services"]["client"]["depends_on"]["docker"]["condition"] == "service_healthy"
    assert re.search(r'^HEALTHCHECK .* CMD \["dindctl", "health"\]$', DOCKERFILE, re.M)


def test_every_variable_of_the_examples_is_one_that_the_program_knows():
    """The program itself is asked: it warns of near misses, and an unknown value is an error."""
    for name, service in compose()["services"].items():
        settings = {key: str(value) for key, value in service.get("environment", {}).items()}
        ours = {key: value for key, value in settings.items() if key.startswith("DIND_")}
        done = lab.run(["env", "-i", *(f"{key}={value}" for key, value in settings.items()), LAUNCHER, "config"])
        assert done.stderr == "", name
        for value in ours.values():
            assert value in done.stdout
