"""The README is right about settings, layers, commands and pictures; all documents about links."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.settings import Settings
from tests.support.paths import ROOT
from tests.support.process import run
from tests.test_architecture import ROWS

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
)
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


def section(name: str) -> str:
    match = re.search(rf"<!-- {name}.*?-->(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert match is not None
    return match[1]


def shown(default: object) -> str:
    if default == ():
        return ""
    if isinstance(default, float):
        return f"`{default:.10g}`"
    return f"`{default}`"


def test_the_settings_table_equals_the_settings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", section("settings"), re.MULTILINE)
    assert rows == [
        (name.upper(), shown(field.default), field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_the_state_diagram_has_the_seconds_of_the_defaults() -> None:
    policy = Settings(_env_file=None).policy  # type: ignore[call-arg]
    diagram = README[README.index("## What a session goes through") :].split("```")[1]
    warned = policy.idle_timeout - policy.warn_before
    for seconds in (policy.away_after, warned, policy.idle_timeout, policy.warn_before):
        assert f"{seconds:g}" in diagram
    assert re.search(rf"closed .*  {policy.reload_grace:g} ", diagram)
    assert re.search(rf"lost .*  {policy.reconnect_grace:g} ", diagram)
    assert f"{policy.session_lifetime:,.0f}" in diagram


def test_the_layer_map_shows_every_folder_in_its_row() -> None:
    rows = [
        set(re.findall(r"server/(\w+)(?:\.py|/)", line))
        for line in section("layers").splitlines()
        if "server/" in line
    ]
    there = {path.stem for path in (ROOT / "server").iterdir() if not path.name.startswith("_")}
    assert [row & (there | {"__main__"}) for row in ROWS if row & (there | {"__main__"})] == rows


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_of_all_documents_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for link in re.findall(r"\]\((?!http)([^)]+)\)", document.read_text()):
        path, _, heading = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def headings(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in found}


@pytest.mark.parametrize("command", sorted({command.split()[0] for command in COMMANDS}))
def test_every_documented_command_can_be_run(command: str) -> None:
    assert os.access(ROOT / command, os.X_OK)


# scripts/serve becomes the `stillhere` command, whose help is tested below.
SCRIPTS = {each.split()[0] for each in COMMANDS if each.startswith("scripts/")} - {"scripts/serve"}


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_every_script_has_help(script: str) -> None:
    command = [sys.executable] if script.endswith(".py") else []
    command += [str(ROOT / script), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
    assert Path(script).name in done.stdout  # its own, not that of pytest


def test_the_help_of_the_tests_has_the_options_that_the_readme_names() -> None:
    command = [str(ROOT / "scripts" / "test"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert {"--no-browser", "--version"} <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_the_flags_of_the_documented_commands_exist(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for each in COMMANDS:
        if each.startswith("scripts/serve"):
            assert set(re.findall(r"--[a-z-]+", each)) <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_durations_in_the_faster_example_make_sense(tmp_path: Path) -> None:
    example = next(each for each in COMMANDS if each.startswith("scripts/serve --"))
    pairs = re.findall(r"--([a-z-]+) (\S+)", example)
    flags = {name.replace("-", "_"): value for name, value in pairs}
    Settings(_env_file=None, **flags)  # type: ignore[call-arg]
