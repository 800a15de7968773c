"""Every part has its limits in one place, of one kind, and gets them in one way."""

import ast
import importlib
from pathlib import Path

import msgspec
import pytest

from server.limits import Limits
from tests.support.paths import ROOT

SERVER = ROOT / "server"
FILES = sorted(SERVER.rglob("limits.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SERVER.parent).with_suffix("").parts)


def limits_of(path: Path) -> type[msgspec.Struct]:
    module = importlib.import_module(name_of(path))
    (found,) = (
        each
        for name, each in vars(module).items()
        if name.endswith("Limits") and each.__module__ == module.__name__
    )
    assert issubclass(found, msgspec.Struct)
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_limits_are_frozen_have_defaults_and_are_given_by_name(path: Path) -> None:
    kind = limits_of(path)
    assert kind.__struct_config__.frozen
    limits = kind()
    with pytest.raises(AttributeError):
        setattr(limits, kind.__struct_fields__[0], 1)
    with pytest.raises(TypeError):
        kind(1)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_limit_says_what_it_bounds(path: Path) -> None:
    tree = ast.parse(path.read_text())
    (kind,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    undocumented = []
    for node, after in zip(kind.body, [*kind.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and path.parent != SERVER:
            is_said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not is_said:
                undocumented.append(ast.unparse(node.target))
    assert undocumented == []


def test_the_limits_of_the_server_include_those_of_every_part() -> None:
    kinds = {type(getattr(Limits(), name)) for name in Limits.__struct_fields__}
    parts = {
        limits_of(path) for path in FILES if path.parent != SERVER and path.parent.name != "client"
    }
    assert kinds == parts


def test_limits_are_an_argument_without_a_default_or_with_the_published_ones() -> None:
    others = []
    for path in SERVER.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                positional = [*node.args.posonlyargs, *node.args.args]
                defaults: list[ast.expr | None] = [None] * len(positional)
                if node.args.defaults:
                    defaults[-len(node.args.defaults) :] = node.args.defaults
                pairs = [
                    *zip(positional, defaults, strict=True),
                    *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
                ]
                others += [
                    f"{name_of(path)}: {ast.unparse(argument)} = {ast.unparse(default)}"
                    for argument, default in pairs
                    if argument.annotation is not None
                    and ast.unparse(argument.annotation).split(" ")[0].endswith("Limits")
                    and default is not None
                    and ast.unparse(default) != f"{ast.unparse(argument.annotation)}()"
                ]
        if path.name not in ("limits.py", "__main__.py"):
            others += [
                f"{name_of(path)}: {ast.unparse(node)}"
                for node in tree.body
                if isinstance(node, ast.Assign) and "Limits()" in ast.unparse(node.value)
            ]
    assert others == []


def is_number(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.Tuple(elts=parts):
            return bool(parts) and all(is_number(part) for part in parts)
        case _:
            return False


def test_a_number_outside_of_limits_has_a_docstring() -> None:
    """Except numbers in the rules of a game."""
    unexplained = []
    for path in SERVER.rglob("*.py"):
        if path.parent.name == "games":
            continue
        body = ast.parse(path.read_text()).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            is_said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_number(node.value):
                unexplained += [] if is_said else [f"{name_of(path)}: {ast.unparse(node)}"]
    assert unexplained == []
