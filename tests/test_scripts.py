"""The packages that a script needs are those that it asks for before it runs."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
