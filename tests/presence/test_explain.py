"""Every change has an explanation for its player."""

import msgspec
import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.events import StatusChanged
from server.presence.explain import explain_change, explain_ending
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import ENDINGS, Reason, Status
from tests.support.events import an_event

POLICY = Policy()
SESSION = Session(
    SessionId("s"), Player(PlayerId("p"), "Ada", "ada", guest=True), 0.0, 1.0, remember=False
)


def changed(after: Status, reason: Reason) -> StatusChanged:
    return an_event(
        StatusChanged,
        SESSION,
        before=Status.ACTIVE,
        after=after,
        reason=reason,
        at=400.0,
        last_activity=100.0,
    )


@pytest.mark.parametrize(
    ("after", "reason", "words"),
    [
        (Status.AWAY, Reason.IDLE, "120 s (away_after); last activity: ping, 300 s ago"),
        (Status.WARNED, Reason.WARNING, "60 s away (warn_before); last activity: ping, 300 s ago"),
        (Status.OFFLINE, Reason.IDLE_TIMEOUT, "300 s (idle_timeout); last activity: ping"),
        (Status.OFFLINE, Reason.SESSION_LIFETIME, "longest life; last activity: ping"),
        (Status.OFFLINE, Reason.LEFT, "5 s (reload_grace)"),
        (Status.OFFLINE, Reason.CONNECTION_LOST, "30 s (reconnect_grace)"),
        (Status.OFFLINE, Reason.SERVER_RESTART, "30 s (reconnect_grace)"),
        (Status.RECONNECTING, Reason.SERVER_RESTART, "the server restarted"),
        (Status.RECONNECTING, Reason.LEFT, "left"),
        (Status.ACTIVE, Reason.ACTIVITY, "activity: ping"),
        (Status.OFFLINE, Reason.SIGNED_OUT, "You signed out."),
    ],
)
def test_the_history_names_the_rule_and_the_last_activity(
    after: Status, reason: Reason, words: str
) -> None:
    assert words in explain_change(changed(after, reason), POLICY)


def test_the_history_distinguishes_be_right_back_from_idleness() -> None:
    said = msgspec.structs.replace(changed(Status.AWAY, Reason.IDLE), back_in=600.0)
    why = explain_change(said, POLICY)
    assert why == "be right back, within 600 s (hold); last activity: ping, 300 s ago"


def test_the_history_has_long_times_in_plain_digits() -> None:
    ended = msgspec.structs.replace(changed(Status.OFFLINE, Reason.IDLE_TIMEOUT), at=1_123_300.0)
    assert explain_change(ended, POLICY).endswith("last activity: ping, 1123200 s ago")
    told = explain_ending(Reason.IDLE_TIMEOUT, Policy(idle_timeout=1e8 * 60))
    assert told == "Nothing was touched for 100000000 minutes."


@pytest.mark.parametrize("reason", [None, *Reason])
def test_there_is_a_sentence_for_every_reason(reason: Reason | None) -> None:
    assert explain_ending(reason, POLICY)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(300, "5 minutes"), (60, "a minute"), (90, "90 seconds"), (2.5, "2.5 seconds")],
)
def test_a_player_is_told_the_idle_time_in_words(seconds: float, words: str) -> None:
    policy = Policy(idle_timeout=seconds)
    assert explain_ending(Reason.IDLE_TIMEOUT, policy) == f"Nothing was touched for {words}."


def test_a_change_of_password_is_explained_as_signing_out_everywhere_is() -> None:
    told = explain_ending(Reason.SIGNED_OUT_EVERYWHERE, POLICY)
    assert told == "You signed out everywhere, or changed your password."


def test_the_endings_have_sentences_of_their_own() -> None:
    assert all(explain_ending(reason, POLICY).endswith(".") for reason in ENDINGS)
    assert len({explain_ending(reason, POLICY) for reason in ENDINGS}) == len(ENDINGS)
