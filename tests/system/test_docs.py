"""What the documentation shows is true: files load, commands exist, tables agree, links lead somewhere."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
MANUALS = sorted(TOP.glob("docs/*.8"))


def dindctl(*arguments, **how):
    return subprocess.run(["dindctl", *arguments], executable=os.environ["DIND_BINARY"], capture_output=True, text=True, check=False,
                          timeout=20, **{"env": {"PATH": os.environ["PATH"]}, **how})


def blocks(language):
    """(page, text) of every fenced block in that language."""
    return [(page.name, text) for page in PAGES
            for text in re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)]


@pytest.mark.parametrize("page,text", blocks("yaml"), ids=lambda value: value if value.endswith(".md") else "")
def test_every_configuration_that_is_shown_loads(tmp_path, page, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    done = dindctl("config", "--config", str(file))
    assert (done.returncode, done.stderr) == (0, ""), page


def shown_commands():
    """Lines of shell blocks that begin with dindctl, and manual pages' examples, without their comments."""
    lines = [line for _, text in blocks("sh") for line in text.splitlines()]
    lines += [line[4:] for manual in MANUALS for line in manual.read_text().splitlines() if line.startswith(".Dl ")]
    return sorted({line.split("#")[0].split(">")[0].strip() for line in lines if line.startswith("dindctl ")})


@pytest.mark.parametrize("line", shown_commands())
def test_every_dindctl_command_that_is_shown_is_understood(tmp_path, line):
    """Some of them make certificates: not on this machine. Some wait for an engine, which is not here."""
    line = line.replace("--wait 60s", "--wait 1s")
    environment = {"PATH": os.environ["PATH"], "DOCKER_TLS_CERTDIR": str(tmp_path / "certs")}
    assert dindctl(*line.split()[1:], env=environment, cwd=tmp_path).returncode != 64, line


def shown_variables():
    text = "".join(page.read_text() for page in PAGES if page.name != "CHANGELOG.md")
    return sorted(set(re.findall(r"\bDIND_[A-Z0-9_]*[A-Z0-9]\b", text)))


def test_every_variable_that_is_shown_exists():
    known = dindctl("config", "--reference").stdout
    elsewhere = {"DIND_CONFIG", "DIND_IMAGE", "DIND_BINARY"}  # the file's name, a build argument, the tests' own
    assert [name for name in shown_variables() if f"`{name}`" not in known and name not in elsewhere] == []


@pytest.mark.parametrize("name", ["rootful", "rootless"])
def test_the_seccomp_profiles_among_the_examples_are_the_programs(name):
    assert (TOP / f"examples/seccomp/{name}.json").read_text() == dindctl("seccomp", name).stdout


def test_the_table_of_options_is_the_programs():
    table = re.search(r"^\| Key .*", (TOP / "docs/configuration.md").read_text(), re.M | re.S)[0]
    assert table == dindctl("config", "--reference").stdout


def test_the_table_of_levels_is_the_programs():
    table = re.search(r"^\| level .*?\n(?=\n)", (TOP / "docs/privileges.md").read_text(), re.M | re.S)[0]
    assert table == dindctl("check", "--matrix").stdout


def test_the_rootless_ways_that_are_shown_are_rows_of_the_matrix():
    """Whose flags the tests use as they stand there."""
    shown = [sorted(words) for text in (text for page, text in blocks("sh") if page in ("rootless.md", "README.md"))
             for words in (shlex.split(line.replace("examples/seccomp/", "")) for line in text.replace("\\\n", "").splitlines())
             if words[:2] == ["docker", "run"] and words[-1] == "my-dind:rootless"]
    assert len(shown) == 4
    rows = [level["docker_run"] for level in json.loads(dindctl("check", "--matrix", "--json").stdout)
            if level["level"].startswith("rootless")]
    own = ("docker", "run", "-d", "my-dind:rootless")
    # The image's own user is the third way's.
    wanted = [sorted([*own, *(w for w in shlex.split(row.removeprefix("--user 1000 ")))]) for row in rows]
    assert all(words in wanted for words in shown), shown
    assert all(words in shown for words in wanted), wanted


def test_every_command_and_option_of_dindctl_is_in_its_manual():
    usage, manual = dindctl("help").stdout, (TOP / "docs/dindctl.8").read_text()
    commands = set(re.findall(r"^  ([a-z]+) ", usage, re.M))
    assert len(commands) >= 4
    for command in commands:
        assert re.search(rf"^\.(It )?Cm {command}\b", manual, re.M), command
    for option in set(re.findall(r"--([a-z]+)", usage)):
        assert f"Fl -{option}" in manual, option


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: path.name)
def test_the_manual_pages_are_well_formed(manual):
    if not shutil.which("mandoc"):
        pytest.skip("needs the program mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", manual], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_version_of_the_image_is_the_programs():
    versions = re.findall(r"^ARG VERSION=(\S+)$", (TOP / "Dockerfile").read_text(), re.M)
    assert [f"dockerd-entrypoint {version}\n" for version in versions] == [dindctl("version").stdout]


def test_every_link_between_pages_leads_to_a_file():
    dead = [(page.name, target) for page in PAGES
            for target in re.findall(r"\]\(([^)#]+)", page.read_text())
            if not target.startswith("https://") and not (page.parent / target).exists()]
    assert dead == []
