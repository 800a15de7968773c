"""The close codes are those of the contract, and defined in one place of the server."""

import ast
import re

from server.presence.status import ENDINGS
from server.wire.closing import (
    ABNORMAL,
    GIVEN_UP,
    INTERNAL_ERROR,
    INVALID_TEXT,
    MAY_BE_SENT,
    NO_STATUS,
    NORMAL,
    PAGE_CLOSED,
    PROTOCOL_ERROR,
    SERVICE_RESTART,
    TOO_BIG,
    Close,
    close_for,
)
from tests.support.paths import ROOT

BY_THE_PROTOCOL = {PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG, INTERNAL_ERROR, SERVICE_RESTART}
"""Codes of the protocol, with no word of ours or one for the metrics only."""

CONTRACT = {
    1009: "message_too_big",
    4400: "too_slow",
    4401: "too_many_messages",
    4402: "too_many_connections",
    4500: "not_signed_in",
    4501: "idle_timeout",
    4502: "session_lifetime",
    4503: "signed_out",
    4504: "kicked",
    4505: "replaced",
}


def test_the_table_equals_the_contract() -> None:
    assert {close.value.code: close.value.reason for close in Close} == CONTRACT
    assert SERVICE_RESTART == 1012
    assert frozenset({1000, 1001}) == PAGE_CLOSED
    assert {1002, 1007, 1009, 1011, 1012} == BY_THE_PROTOCOL
    assert (GIVEN_UP, NO_STATUS, ABNORMAL) == (4000, 1005, 1006)
    assert not {NO_STATUS, ABNORMAL} & MAY_BE_SENT


def test_the_protocol_document_has_every_code_and_its_word() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    table = text.partition("\nClose codes. ")[2].partition("\n\n## ")[0]
    found = dict(re.findall(r"\| (\d{4}) \| ([^|]+?) (?=\|)", table))
    words = {each.value.code: each.value.reason for each in Close if each.value.code >= 4000}
    assert {int(code) for code in found} == set(words) | BY_THE_PROTOCOL
    for code, word in words.items():
        assert f"`{word}`" in found[str(code)] or found[str(code)].startswith(f"`{word}"), code


def test_the_browsers_client_closes_with_codes_of_the_server() -> None:
    """`tests/static/test_types.py` compares those that it receives."""
    text = (ROOT / "static" / "stillhere" / "socket.js").read_text()
    own = dict(re.findall(r"^const (LEAVING|GIVEN_UP) = (\d+);", text, re.MULTILINE))
    assert own == {"LEAVING": str(NORMAL), "GIVEN_UP": str(GIVEN_UP)}


def test_no_other_module_of_the_server_contains_close_codes() -> None:
    codes = {*range(1001, 1016), GIVEN_UP, *range(4400, 4600)}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in sorted((ROOT / "server").rglob("*.py"))
        if path.name != "closing.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in codes
    ]
    assert found == []


def test_every_end_of_a_session_has_a_code_that_forbids_reconnecting() -> None:
    codes = {ending: close_for(ending).value.code for ending in ENDINGS}
    assert codes == {
        "idle_timeout": 4501,
        "session_lifetime": 4502,
        "signed_out": 4503,
        "signed_out_everywhere": 4503,
        "kicked": 4504,
        "replaced": 4505,
    }


def test_a_reason_fits_into_a_close_frame() -> None:
    # RFC 6455, 5.5: "All control frames MUST have a payload length of 125 bytes or less".
    assert all(len(close.value.reason.encode()) <= 123 for close in Close)
