"""The packages that a script needs are those that it asks for before it runs, and all of them are
pinned files."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import environment
from tests.support.paths import ROOT


def asked_for(script: Path) -> set[str]:
    """Return the packages in the script's call of `environment.need`."""
    (call,) = (
        node
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "environment.need"
    )
    sets = [ast.unparse(each).removeprefix("*environment.") for each in call.args]
    return {name.partition(".")[0] for each in sets for name in getattr(environment, each)}


def needed_by(file: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the packages, not of Python's own library, that a file and our modules import."""
    if file in seen:
        return
    seen.add(file)
    for name in imports(ast.parse(file.read_text())):
        top = name.partition(".")[0]
        if top not in ("scripts", "server"):
            if top not in sys.stdlib_module_names:
                yield top
            continue
        path = ROOT.joinpath(*name.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if found.exists():
                yield from needed_by(found, seen)


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the imported modules, in functions too; not those of a `try`, which may be missing."""
    match node:
        case ast.Try():
            return
        case ast.Import(names=names):
            yield from (each.name for each in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield module
            yield from (f"{module}.{each.name}" for each in names)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from imports(child)


@pytest.mark.parametrize(
    "name",
    sorted(
        path.name
        for path in (ROOT / "scripts").glob("*.py")
        if "environment.need(" in path.read_text()
    ),
)
def test_a_script_asks_for_every_package_that_it_imports(name: str) -> None:
    script = ROOT / "scripts" / name
    assert set(needed_by(script, set())) - asked_for(script) == set()


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return the version and the hashes of each package in a file of `scripts/requirements/`.
    Raises AssertionError for a line that is anything else."""
    text = (ROOT / "scripts/requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        pin = re.fullmatch(
            r"([a-z0-9-]+)==([\w.]+)(?: ; [^#:/]+?)?((?: +--hash=sha256:[0-9a-f]{64})+) *", line
        )
        assert pin is not None, line
        found[pin[1]] = pin[2], frozenset(pin[3].split())
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", each)[0].lower() for each in requirements}


def test_every_package_is_pinned_to_files_and_no_address_of_an_index_is_written() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = pins("run"), pins("dev")
    built = names(project["build-system"]["requires"])
    assert run.keys() >= names(project["project"]["dependencies"]) | built | {"pip", "editables"}
    assert dev.keys() >= names(project["dependency-groups"]["dev"])
    assert run.items() <= dev.items()


def test_nothing_is_installed_but_pinned_files_and_this_project() -> None:
    text = (ROOT / "scripts" / "_venv").read_text().replace("\\\n", " ")
    calls = re.findall(r"^ *install_step .*-m pip (.*)$", text, re.MULTILINE)
    installs = [" ".join(call.split()) for call in calls]
    assert installs == [
        'install --no-deps --require-hashes -r "$root/scripts/requirements/$1.txt"',
        'install --no-deps --no-build-isolation -e "$root"',
    ]
    others = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert not [
        path for path in others if "-m pip install" in path.read_text() and path.name != "_venv"
    ]


@pytest.mark.parametrize("name", ["run", "dev"])
def test_the_pins_have_all_that_they_need_from_one_another(name: str) -> None:
    """They are installed without looking for more."""
    pinned = pins(name)
    missing = []
    for package in pinned:
        try:
            found = distribution(package)
        except PackageNotFoundError:  # for another system
            continue
        for line in found.requires or []:
            need = Requirement(line)
            is_needed = need.marker is None or need.marker.evaluate({"extra": ""})
            if is_needed and canonicalize_name(need.name) not in pinned:
                missing.append(f"{package} needs {line}")
    assert missing == []
