"""Names that both ends use are defined in one place of the server, and the page has the same."""

import ast
from pathlib import Path

import pytest

from server.wire.names import COOKIE_BY_TLS, SUBPROTOCOL
from tests.support.paths import ROOT

TOKEN = "!#$%&'*+.^_`|~0-9A-Za-z"
"""Of RFC 9110, 5.6.2, as a pattern."""


def texts_of(path: Path) -> list[str]:
    """Every literal string and bytes of a module."""
    return [
        value.decode("latin-1") if isinstance(value, bytes) else value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(value := node.value, str | bytes)
    ]


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (SUBPROTOCOL, "wire/names.py"),
        (COOKIE_BY_TLS, "wire/names.py"),
        (TOKEN, "transport/request.py"),
    ],
)
def test_each_name_is_written_in_one_file(said: str, where: str) -> None:
    server = ROOT / "server"
    found = [
        path.relative_to(server).as_posix()
        for path in sorted(server.rglob("*.py"))
        if any(said in text for text in texts_of(path))
    ]
    assert found == [where]


def test_the_browser_offers_the_same_protocol() -> None:
    text = (ROOT / "static" / "stillhere" / "socket.js").read_text()
    assert f"const SUBPROTOCOL = '{SUBPROTOCOL}';" in text
