"""The close codes are those of the contract."""

from server.presence.status import ENDINGS
from server.wire.closing import PAGE_CLOSED, SERVICE_RESTART, Close, close_for

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


def test_the_table_is_that_of_the_contract() -> None:
    assert {close.value.code: close.value.reason for close in Close} == CONTRACT
    assert SERVICE_RESTART == 1012
    assert frozenset({1000, 1001}) == PAGE_CLOSED


def test_every_way_a_session_can_end_has_a_code_that_says_do_not_come_back() -> None:
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
