"""The audit log: its lines, the players they name, and its limits."""

import asyncio
import logging

import pytest

from server.base.ids import PlayerId, new_player_id, new_session_id
from server.observe.audit import Audit
from server.observe.limits import Limits
from server.presence.events import SessionEnded, SessionSlept, SessionStarted
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.presence.status import Reason
from tests.simulation.virtual import VirtualLoop
from tests.support.events import an_event

LIMITS = Limits()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "stillhere.audit")
    return caplog


def somebody() -> Session:
    player = Player(new_player_id(), "Ada", "ada", guest=True)
    session, _ = Registry(Policy()).sign_in(player, new_session_id(), 0.0, remember=False)
    return session


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in log.records if each.name == "stillhere.audit"]


async def test_a_session_is_logged_by_its_public_id(log: pytest.LogCaptureFixture) -> None:
    audit, session = Audit(LIMITS), somebody()
    audit.hear(an_event(SessionStarted, session))
    audit.hear(an_event(SessionSlept, session))
    audit.hear(an_event(SessionEnded, session, reason=Reason.SIGNED_OUT))
    who = f"session {session.id} of {session.player.id}"
    assert lines(log) == [
        f"{who} opened",
        f"{who} asleep: idle_timeout",
        f"{who} ended: signed_out",
    ]
    assert "Ada" not in log.text


async def test_a_refusal_is_logged_with_its_address_and_player(
    log: pytest.LogCaptureFixture,
) -> None:
    audit = Audit(LIMITS)
    audit.refused("bad_credentials", "198.51.100.7", PlayerId("p_x"))
    audit.refused("cross_origin", "198.51.100.7")
    assert lines(log) == [
        "refused: bad_credentials, from 198.51.100.7, as p_x",
        "refused: cross_origin, from 198.51.100.7",
    ]


async def test_an_invalid_address_cannot_forge_a_line(log: pytest.LogCaptureFixture) -> None:
    audit = Audit(LIMITS)
    audit.refused("cross_origin", "a\r\n\x1b[2Jrefused: nothing" + "x" * 500)
    (line,) = lines(log)
    assert line.isprintable()
    assert len(line) < 200


def test_endless_refusals_of_an_address_are_a_bounded_number_of_lines(
    log: pytest.LogCaptureFixture,
) -> None:
    loop = VirtualLoop()

    async def attack() -> None:
        audit = Audit(LIMITS)
        for _ in range(10_000):
            audit.refused("bad_credentials", "198.51.100.7")
        assert len(lines(log)) == LIMITS.audit_lines_of_one
        audit.refused("bad_credentials", "203.0.113.1")  # another address is still logged
        assert lines(log)[-1].endswith("203.0.113.1")
        await asyncio.sleep(LIMITS.audit_window + 1)
        last = lines(log)[-1]
        assert last == "refused: bad_credentials, from 198.51.100.7, 9997 times more"
        # The next minute counts anew; without lines left out there is no timer.
        audit.refused("bad_credentials", "198.51.100.7")
        assert lines(log)[-1] == "refused: bad_credentials, from 198.51.100.7"
        assert audit._timer is None
        audit.close()

    loop.run_until_complete(attack())
    loop.close()


async def test_refusals_of_many_addresses_are_a_bounded_number_of_lines(
    log: pytest.LogCaptureFixture,
) -> None:
    audit = Audit(LIMITS)
    for number in range(10_000):
        audit.refused("cross_origin", f"2001:db8:0:{number:x}::/64")
    audit.close()
    told = lines(log)
    assert len(told) == LIMITS.audit_addresses + 1
    assert told[-1] == f"refused: cross_origin, from other addresses, {10_000 - 100} times more"


async def test_sockets_closed_for_breaking_a_limit_are_three_lines_and_a_count(
    log: pytest.LogCaptureFixture,
) -> None:
    """However many sessions they are of, they do not push other addresses out of the table."""
    audit, sessions = Audit(LIMITS), [somebody() for _ in range(LIMITS.audit_addresses)]
    for _ in range(10):
        for session in sessions:
            audit.cut_off("too_many_connections", session)
    first = sessions[0]
    who = f"{first.id} of {first.player.id}"
    assert lines(log)[0] == f"refused: too_many_connections, a socket of {who}"
    assert len(lines(log)) == LIMITS.audit_lines_of_one
    audit.refused("bad_credentials", "198.51.100.7")
    assert lines(log)[-1] == "refused: bad_credentials, from 198.51.100.7"
    audit.close()
    count = 10 * LIMITS.audit_addresses - LIMITS.audit_lines_of_one
    assert lines(log)[-1] == f"refused: too_many_connections, from sockets, {count} times more"


async def test_thousands_of_simultaneous_ends_are_a_few_lines_and_a_count(
    log: pytest.LogCaptureFixture,
) -> None:
    audit, session = Audit(LIMITS), somebody()
    for _ in range(5_000):
        audit.hear(an_event(SessionEnded, session, reason=Reason.IDLE_TIMEOUT))
    audit.close()
    assert len(lines(log)) == LIMITS.audit_lines + 1
    assert lines(log)[-1] == f"{5_000 - LIMITS.audit_lines} more sessions ended: idle_timeout"
    audit.close()
    assert len(lines(log)) == LIMITS.audit_lines + 1


async def test_a_proxy_that_does_not_tell_its_clients_is_logged_once_for_each_effect(
    log: pytest.LogCaptureFixture,
) -> None:
    audit = Audit(LIMITS)
    for is_limited in (True, True, False, True, False):
        audit.silent_proxy("10.0.0.1", is_limited)
    assert lines(log) == [
        "10.0.0.1 is a trusted proxy and sends no X-Forwarded-For: its clients share the limits of "
        "one address",
        "10.0.0.1 is a trusted proxy and sends no X-Forwarded-For: if it is a proxy, no limit by "
        "address applies to its clients",
    ]
    assert {each.levelname for each in log.records} == {"WARNING"}
