"""The examples for CI systems: whole, of the right form, and true: variables, commands, sockets, privileges."""

import copy
import dataclasses
import os
import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import kernel
import kubernetes
import pytest
import yaml
from sandbox import Host

TOP = Path(__file__).resolve().parents[2]
OURS = "dockerd-entrypoint:dind"  # whose container is an engine
DOCKERS_DEFAULT = set("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
                      "AUDIT_WRITE".split())
FILES = ["kubernetes-sidecar.yaml", "kubernetes-certificates.yaml", "tekton-sidecar.yaml", "gitlab-ci.yml", "github-arc.yaml", "jenkins-pod.yaml"]


class UniqueKeys(yaml.SafeLoader):
    """As strict as the servers: a key that is there twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key is there twice"
        return super().construct_mapping(node, deep)


def documents(name):
    return list(yaml.load_all((TOP / "examples" / name).read_text(), UniqueKeys))


def schema_of(name, document):
    if name == "github-arc.yaml":
        return kubernetes.RUNNER_SCALE_SET
    return kubernetes.GITLAB if name == "gitlab-ci.yml" else kubernetes.DOCUMENTS[document["kind"]]


def everything(value):
    """All maps in it."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(item)


@dataclasses.dataclass
class Engine:
    """A container with an engine, and the container that uses it."""

    where: str
    env: dict
    container: dict
    client_env: dict
    client: dict


def env_of(container):
    return {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}


def engines():
    found = []
    for name in FILES:
        for document in documents(name):
            if name == "gitlab-ci.yml":
                shared = document["variables"]
                for job_name, job in document.items():
                    if job_name != "variables":
                        [service] = job["services"]
                        found.append(Engine(f"{name}:{job_name}", {**shared, **service["variables"]}, service, shared, job))
                continue
            for spec in everything(document):
                containers = [c for key in ("initContainers", "sidecars", "containers", "steps") for c in spec.get(key, ())]
                ours = [c for c in containers if c["image"] == OURS]
                theirs = [c for c in containers if c["image"] != OURS and "DOCKER_HOST" in env_of(c)]
                if ours and theirs:
                    where = f"{name}:{document.get('metadata', {}).get('name', 'pod')}"
                    found.append(Engine(where, env_of(ours[0]), ours[0], env_of(theirs[0]), theirs[0]))
    return found


ENGINES = engines()


def ids(engine):
    return engine.where


def dindctl(*arguments, env=None):
    return subprocess.run(["dindctl", *arguments], executable=os.environ["DIND_BINARY"], capture_output=True, text=True, check=False,
                          timeout=20, env={"PATH": os.environ["PATH"], **(env or {})})


# ---- form ----


@pytest.mark.parametrize("name", FILES)
def test_every_field_exists_where_it_stands_and_has_the_right_type(name):
    found = documents(name)
    assert found
    for document in found:
        jsonschema.Draft202012Validator(schema_of(name, document)).validate(document)


def test_the_schema_refuses_what_a_server_would():
    """One mistake each, of those that people make."""
    [first, *_] = documents("kubernetes-sidecar.yaml")

    def refused(change):
        document = copy.deepcopy(first)
        change(document["spec"]["template"]["spec"])
        return not jsonschema.Draft202012Validator(kubernetes.DOCUMENTS["Job"]).is_valid(document)

    assert not refused(lambda pod: None)
    assert refused(lambda pod: pod.update(restartPolicy="Always"))
    assert refused(lambda pod: pod["containers"][0].update(restartPolicy="Always"))
    assert refused(lambda pod: pod["initContainers"][0].update(restartpolicy="Always"))
    assert refused(lambda pod: pod["initContainers"][0]["env"][0].update(value=1))
    assert refused(lambda pod: pod["initContainers"][0]["startupProbe"].update(command=["dindctl", "health"]))
    assert refused(lambda pod: pod["initContainers"][0]["securityContext"].update(capabilities={"add": ["CAP_SYS_ADMIN"]}))
    assert refused(lambda pod: pod["volumes"][0].update(hostPath={"path": "/"}))
    assert refused(lambda pod: pod["volumes"][0].pop("emptyDir"))


@pytest.mark.parametrize("name", FILES)
def test_every_mount_has_its_volume_and_every_volume_is_used(name):
    for document in documents(name):
        for spec in everything(document):
            if "volumes" in spec:
                mounted = {mount["name"] for part in everything(spec) for mount in part.get("volumeMounts", ())}
                assert mounted == {volume["name"] for volume in spec["volumes"]}


def test_every_example_is_looked_at():
    assert sorted(path.name for path in (TOP / "examples").glob("*.y*ml")) == sorted([*FILES, "compose.yaml"])
    assert len(ENGINES) == 6


# ---- truth ----


@pytest.mark.parametrize("engine", ENGINES, ids=ids)
def test_every_variable_is_known(engine):
    known = set(re.findall(r"`((?:DIND|DOCKER|DOCKERD)_[A-Z0-9_]+)`", dindctl("config", "--reference").stdout))
    theirs = {"HEALTHCHECK_TCP_PORT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"}  # GitLab's, and those of a client
    assert [name for name in engine.env if name not in known | theirs] == []
    assert set(engine.client_env) <= {"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TLS_CERTDIR", "HOME", "IMAGE"}
    done = dindctl("config", env={"DOCKER_TLS_CERTDIR": "/certs", **engine.env})
    assert (done.returncode, done.stderr) == (0, "")


def commands(value):
    """Every command line that begins with dindctl: lists of words, and lines of scripts and comments."""
    for part in everything(value):
        for item in part.values():
            if isinstance(item, list) and item and item[0] == "dindctl":
                yield tuple(item)
            for line in [text for text in (item if isinstance(item, list) else [item]) if isinstance(text, str)]:
                yield from (tuple(shlex.split(one)) for one in line.splitlines() if one.strip().startswith("dindctl "))


def shown_commands():
    found = {command for name in FILES for document in documents(name) for command in commands(document)}
    text = "".join((TOP / "examples" / name).read_text() for name in FILES)
    found |= {tuple(shlex.split(one)) for one in re.findall(r"`(dindctl [^`]*)`|^#   (?:.* -- )?(dindctl .*?)(?:  +#.*)?$", text, re.M)
              for one in one if one}
    return sorted(found)


@pytest.mark.parametrize("command", shown_commands(), ids=" ".join)
def test_every_command_is_accepted_by_the_option_parser(command):
    """It reads words in order: an option that there is not, at the end, is what it complains of only if all others are right."""
    known = set(re.findall(r"--[a-z-]+", dindctl("help").stdout))
    missing = [word for word in command if word.startswith("--") and word.split("=")[0] not in known]
    if command[1] == "health" and missing:
        pytest.skip(f"this build's health has no {' and no '.join(missing)}")
    done = dindctl(*command[1:], "--no-such-option")
    if command[1] == "seccomp":
        assert dindctl(*command[1:]).returncode == 0
    else:
        assert done.returncode == 64 and done.stderr.startswith("error: --no-such-option is not an option of this command"), done.stderr


def test_there_are_commands_to_check():
    assert ("dindctl", "health") in shown_commands()
    assert ("dindctl", "health", "--host", "tcp://docker:2376", "--certs", "/certs/client", "--wait", "60s") in shown_commands()
    assert ("dindctl", "report") in shown_commands()


@pytest.mark.parametrize("engine", ENGINES, ids=ids)
def test_the_engine_listens_where_its_client_asks(sandbox, engine):
    """With the variables of the example, in a container like its own."""
    added = engine.container.get("securityContext", {}).get("capabilities", {}).get("add")
    host = Host(drop=tuple(sorted(set(kernel.CAPABILITIES) - DOCKERS_DEFAULT - set(added)))) if added else Host()
    volumes = " ".join(mount["mountPath"] for mount in engine.container.get("volumeMounts", []) if "subPath" not in mount)
    result = sandbox.run(env={"DOCKER_TLS_CERTDIR": "/certs", **engine.env}, host=host, setup=f"mkdir -p /run {volumes}")
    assert result.exit == 0, result
    flags = result.started("dockerd").argv
    hosts = [word.removeprefix("--host=") for word in flags if word.startswith("--host=")]
    wanted = engine.client_env["DOCKER_HOST"]
    if wanted.startswith("unix://"):
        assert [host.replace("/var/run/", "/run/") for host in hosts] == [wanted.replace("/var/run/", "/run/")], "the socket and no port"
    else:
        name, port = wanted.removeprefix("tcp://").split(":")
        assert [host for host in hosts if host.startswith("tcp://") and host.endswith(f":{port}")] and "--tlsverify" in flags
        told = next(line["msg"] for line in result.log("info") if "certificates: " in line["msg"])
        assert f"DNS:{name}" in told.split(), "the name is in the server's certificate"


@pytest.mark.parametrize("engine", ENGINES, ids=ids)
def test_engine_and_client_share_the_socket_or_the_certificates(engine):
    wanted = engine.client_env["DOCKER_HOST"]
    if "services" in engine.client:  # GitLab: the runner's own volumes
        text = (TOP / "examples/gitlab-ci.yml").read_text()
        assert f'volumes = ["{engine.client_env["DOCKER_CERT_PATH"]}"' in text
        return
    folder = os.path.dirname(wanted.removeprefix("unix://")) if wanted.startswith("unix://") else engine.client_env["DOCKER_CERT_PATH"]

    def volume(container):
        return next(mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == folder)

    assert volume(engine.client) == volume(engine.container)
    assert not [mount for mount in engine.client["volumeMounts"] if mount["mountPath"] == "/certs"], "never all of /certs"


@pytest.mark.parametrize("engine", ENGINES, ids=ids)
def test_readiness_is_asked_of_the_engine_before_the_client_starts(engine):
    if "services" in engine.client:
        assert engine.client["before_script"][0].startswith("dindctl health --host " + engine.client_env["DOCKER_HOST"])
        assert engine.env["HEALTHCHECK_TCP_PORT"] == engine.client_env["DOCKER_HOST"].split(":")[2]
        return
    probe = engine.container.get("startupProbe") if "restartPolicy" in engine.container else engine.container["readinessProbe"]
    assert probe["exec"]["command"] == ["dindctl", "health"]
    assert probe["timeoutSeconds"] > 5, "dindctl gives up after 5 s by itself, and says why"


@pytest.mark.parametrize("engine", ENGINES, ids=ids)
def test_data_of_the_engine_are_on_a_volume(engine):
    if "volumeMounts" in engine.container:
        assert "/var/lib/docker" in [mount["mountPath"] for mount in engine.container["volumeMounts"]]


def test_privileges_are_those_of_the_page_about_them():
    """Each engine is privileged, or has exactly what docs/privileges.md says for Kubernetes; nothing else has any."""
    page = (TOP / "docs/privileges.md").read_text()
    least = yaml.safe_load(re.search(r"^```text\n(securityContext:.*?)^```$", page, re.M | re.S)[1])["securityContext"]
    seen = []
    for name in FILES:
        for document in documents(name):
            for part in everything(document):
                if "image" not in part or "securityContext" not in part:
                    continue
                context = part["securityContext"]
                if part["image"] == OURS:
                    assert context in ({"privileged": True}, least), name
                    seen.append(context)
                else:
                    assert not context.get("privileged") and not context.get("capabilities"), name
    assert {"privileged": True} in seen and least in seen
