"""The examples agree with the image: names, folders, ports."""

import os
import re
import shlex
import shutil

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


# ---- kubernetes-certificates.yaml ----


def kubernetes():
    """{kind: document}, and the commands in its comments as words."""
    text = (lab.TOP / "examples" / "kubernetes-certificates.yaml").read_text()
    commands = [shlex.split(line[4:]) for line in text.splitlines() if re.match(r"#   (dindctl|kubectl) ", line)]
    return {document["kind"]: document for document in yaml.safe_load_all(text)}, commands


def pod_of(document):
    return document["spec"]["template"]["spec"]


def secret_mounts(pod):
    """{folder in the container: name of the Secret}"""
    names = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    return {mount["mountPath"]: names[mount["name"]] for mount in pod["containers"][0]["volumeMounts"] if mount["name"] in names}


def environment_of(pod):
    return {entry["name"]: entry["value"] for entry in pod["containers"][0].get("env", ())}


def test_kubernetes_mounts_the_secrets_that_its_commands_make():
    documents, commands = kubernetes()
    made = {words[4]: words[5].removeprefix("--from-file=") for words in commands if words[:4] == ["kubectl", "create", "secret", "generic"]}
    directory = re.search(r"^ENV DOCKER_TLS_CERTDIR=(\S+)$", DOCKERFILE, re.M).group(1)
    engine, client = secret_mounts(pod_of(documents["Deployment"])), secret_mounts(pod_of(documents["Job"]))
    assert {folder: made[name] for folder, name in engine.items()} == {f"{directory}/server": "certs/server"}
    folder = environment_of(pod_of(documents["Job"]))["DOCKER_CERT_PATH"]
    assert {where: made[name] for where, name in client.items()} == {folder: "certs/clients/ci"}


def test_kubernetes_clients_use_a_name_that_is_in_the_certificate(tmp_path):
    documents, commands = kubernetes()
    service = documents["Service"]
    host = environment_of(pod_of(documents["Job"]))["DOCKER_HOST"]
    assert host == f"tcp://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert service["spec"]["selector"] == documents["Deployment"]["spec"]["template"]["metadata"]["labels"]
    lab.run([LAUNCHER, *commands[0][1:]], cwd=tmp_path)
    names = lab.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", tmp_path / "certs/server/cert.pem"]).stdout
    assert f"DNS:{service['metadata']['name']}," in names
    assert not (tmp_path / "certs/ca/key.pem").exists()


def test_kubernetes_engines_are_content_with_what_is_mounted(tmp_path):
    """A Secret is a folder of links, without the rest of the store."""
    _, commands = kubernetes()
    lab.run([LAUNCHER, *commands[0][1:]], cwd=tmp_path)
    mounted, data = tmp_path / "mounted/server", tmp_path / "mounted/server/..2026"
    mounted.mkdir(parents=True)
    shutil.copytree(tmp_path / "certs/server", data)
    (mounted / "..data").symlink_to(data.name)
    for path in data.iterdir():
        (mounted / path.name).symlink_to(f"..data/{path.name}")
    done = lab.run([LAUNCHER, "certs", "check", "--set", f"tls.dir={mounted.parent}"])
    assert (done.stdout, done.stderr) == ("good\n", "")


def test_every_variable_of_the_examples_is_one_that_the_program_knows():
    """The program itself is asked: it warns of near misses, and an unknown value is an error."""
    for name, service in compose()["services"].items():
        settings = {key: str(value) for key, value in service.get("environment", {}).items()}
        ours = {key: value for key, value in settings.items() if key.startswith("DIND_")}
        done = lab.run(["env", "-i", *(f"{key}={value}" for key, value in settings.items()), LAUNCHER, "config"])
        assert done.stderr == "", name
        for value in ours.values():
            assert value in done.stdout
