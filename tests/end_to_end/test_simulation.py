"""The simulation: its judge finds faults in wrong records, and none with the real server."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.idle_players.lobby_check import LobbyCheck
from scripts.idle_players.plans import (
    MixRefused,
    Timing,
    counts,
    ends_after,
    make_crowd,
    parse_mix,
    player_name,
    run_tag,
)
from scripts.idle_players.rules import (
    Absence,
    Finding,
    Kind,
    Met,
    Outcome,
    Policy,
    Record,
    What,
    due_to,
    judge,
)
from scripts.idle_players.verdict import Verdict
from server.accounts.names import parse_name
from server.base.clock import SystemClock
from server.base.ids import PlayerId
from server.presence.session import Session
from server.presence.status import Status
from server.wire.messages import LOBBY, Presence, Roster
from server.wire.views import PlayerView
from tests.support.live_server import run_server
from tests.support.paths import ROOT

SCRIPT = ROOT / "scripts" / "simulate_idle_players.py"
POLICY = Policy(120.0, 60.0, 300.0, 43_200.0, 5.0, 30.0)
TIMEOUT = 10.0
END = 10_000.0


def idle(*met: Met, **did: Any) -> Record:
    """A player who was last active at 1000.0."""
    did = {"kind": Kind.IDLE, "last_activity": 1000.0, "is_quiet": True, **did}
    return Record("Ada", met=list(met), **did)


def outcomes(record: Record, until: float = END) -> dict[What, list[Outcome]]:
    """The findings of the judge on a record, by subject."""
    said: dict[What, list[Outcome]] = {}
    for finding in judge(record, POLICY, until, TIMEOUT):
        said.setdefault(finding.what, []).append(finding.outcome)
    return said


WARNED = Met(What.WARNING, 1240.004)
SIGNED_OUT = Met(What.SIGN_OUT, 1300.006)
GONE = Met(What.LEAVING, 1300.030)
ALL_CAME = {
    What.WARNING: [Outcome.CAME],
    What.SIGN_OUT: [Outcome.CAME],
    What.LEAVING: [Outcome.CAME],
}


# The judge


def test_an_idle_player_is_due_a_warning_a_sign_out_and_a_leave() -> None:
    assert outcomes(idle(WARNED, SIGNED_OUT, GONE)) == ALL_CAME


def test_lateness_is_measured_from_the_last_activity() -> None:
    findings = judge(idle(WARNED, SIGNED_OUT, GONE), POLICY, END, TIMEOUT)
    assert [finding.lateness for finding in findings] == pytest.approx([0.004, 0.006, 0.030])


@pytest.mark.parametrize(
    ("at", "outcome"),
    [(1239.998, Outcome.EARLY), (1239.9991, Outcome.CAME), (1249.0, Outcome.CAME)],
)
def test_a_warning_is_early_by_more_than_a_millisecond(at: float, outcome: Outcome) -> None:
    end = Met(What.SIGN_OUT, 1310.0)
    assert outcomes(idle(Met(What.WARNING, at), end))[What.WARNING] == [outcome]


def test_a_sign_out_is_early_before_the_idle_timeout() -> None:
    assert outcomes(idle(WARNED, Met(What.SIGN_OUT, 1299.9)))[What.SIGN_OUT] == [Outcome.EARLY]


def test_a_sign_out_is_early_if_the_warning_was_too_short() -> None:
    late_warning = Met(What.WARNING, 1245.0)
    assert outcomes(idle(late_warning, SIGNED_OUT))[What.SIGN_OUT] == [Outcome.EARLY]


def test_messages_that_did_not_come_are_missing() -> None:
    assert outcomes(idle(WARNED)) == {
        What.WARNING: [Outcome.CAME],
        What.SIGN_OUT: [Outcome.MISSING],
        What.LEAVING: [Outcome.MISSING],
    }


def test_messages_that_could_still_have_come_are_not_missing() -> None:
    assert outcomes(idle(WARNED), until=1309.9) == {What.WARNING: [Outcome.CAME]}


def test_a_sign_out_closed_with_another_code_is_wrong_and_no_sign_out() -> None:
    closed_wrongly = Met(What.SIGN_OUT, 1300.0, "closed with 4504")
    said = outcomes(idle(WARNED, closed_wrongly, GONE))
    assert said[What.SIGN_OUT] == [Outcome.MISSING, Outcome.WRONG]


def test_a_second_warning_is_wrong() -> None:
    again = Met(What.WARNING, 1250.0)
    assert outcomes(idle(WARNED, again, SIGNED_OUT))[What.WARNING] == [Outcome.CAME, Outcome.WRONG]


@pytest.mark.parametrize("kind", [Kind.ACTIVE, Kind.FLAPPER])
def test_an_active_player_is_due_nothing_and_every_message_is_wrong(kind: Kind) -> None:
    active = Record("Bob", kind, last_activity=1000.0)
    assert outcomes(active) == {}
    active.met = [WARNED, SIGNED_OUT, GONE]
    assert outcomes(active) == {
        What.WARNING: [Outcome.WRONG],
        What.SIGN_OUT: [Outcome.WRONG],
        What.LEAVING: [Outcome.WRONG],
    }


def test_a_hold_delays_every_deadline_by_the_granted_time() -> None:
    holding = idle(kind=Kind.HOLD, hold_sent=1100.0, held=20.0)
    assert due_to(holding, POLICY) == {
        What.WARNING: 1260.0,
        What.SIGN_OUT: 1320.0,
        What.LEAVING: 1320.0,
    }
    holding.met = [Met(What.WARNING, 1240.0), Met(What.SIGN_OUT, 1320.0), Met(What.LEAVING, 1320.1)]
    assert outcomes(holding)[What.WARNING] == [Outcome.EARLY]


def test_no_warning_is_due_during_a_hold() -> None:
    holding = idle(kind=Kind.HOLD, hold_sent=1239.0, held=10.0)
    assert due_to(holding, POLICY)[What.WARNING] == 1250.0


def test_a_flapper_may_leave_only_if_it_was_itself_too_slow() -> None:
    flapper = Record("Flo", Kind.FLAPPER, met=[Met(What.LEAVING, 1006.0)])
    flapper.absences = [Absence(since=1000.0, grace=5.0, until=1004.0)]
    assert outcomes(flapper) == {What.LEAVING: [Outcome.WRONG]}
    flapper.absences = [Absence(since=1000.0, grace=5.0, until=1006.1)]
    assert outcomes(flapper) == {}


def test_a_closed_page_leaves_after_the_grace_and_not_before() -> None:
    leaver = Record("Lea", Kind.LEAVER, last_activity=990.0, left_at=1000.0)
    assert outcomes(leaver) == {What.LEAVING: [Outcome.MISSING]}
    leaver.met = [Met(What.LEAVING, 1004.9)]
    assert outcomes(leaver) == {What.LEAVING: [Outcome.EARLY]}
    leaver.met = [Met(What.LEAVING, 1005.02)]
    assert outcomes(leaver) == {What.LEAVING: [Outcome.CAME]}


def test_a_closed_page_may_leave_by_the_idle_clock_during_the_grace() -> None:
    leaver = Record("Lea", Kind.LEAVER, last_activity=702.0, left_at=1000.0)
    assert due_to(leaver, POLICY) == {What.LEAVING: 1002.0}


def test_a_sign_out_closes_and_leaves_at_once() -> None:
    leaver = Record("Lea", Kind.LEAVER, last_activity=990.0, signed_out_at=1000.0)
    leaver.met = [Met(What.OWN_SIGN_OUT, 1000.002), Met(What.LEAVING, 1000.02)]
    assert outcomes(leaver) == {
        What.OWN_SIGN_OUT: [Outcome.CAME],
        What.LEAVING: [Outcome.CAME],
    }


# The lobby


def player(id: str) -> PlayerView:
    return PlayerView(PlayerId(id), id, guest=True, status=Status.ACTIVE)


def roster(version: int, *ids: str, total: int | None = None) -> Roster:
    total = len(ids) if total is None else total
    return Roster(LOBBY, version, [player(id) for id in ids], total)


def diff(version: int, total: int, joined: str = "", left: str = "") -> Presence:
    came, went = [player(id) for id in joined], [PlayerId(id) for id in left]
    return Presence(LOBBY, version, came, [], went, total)


def test_the_lobby_check_records_leaves_with_their_instants() -> None:
    lobby = LobbyCheck()
    lobby.apply(roster(7, "a", "b"), 1.0)
    assert lobby.apply(diff(8, 2, joined="c", left="a"), 2.0) == {"a"}
    assert (lobby.left, lobby.joined["c"], lobby.faults) == ({"a": [2.0]}, [2.0], [])


@pytest.mark.parametrize(
    "message",
    [diff(9, 3, joined="c"), diff(8, 9, joined="c"), diff(8, 1, left="z"), diff(8, 2, joined="a")],
    ids=["a gap", "a wrong count", "a stranger left", "one who was there joined"],
)
def test_a_diff_that_does_not_fit_is_a_fault(message: Presence) -> None:
    lobby = LobbyCheck()
    lobby.apply(roster(7, "a", "b"), 1.0)
    lobby.apply(message, 2.0)
    assert lobby.faults


def test_a_roster_closes_a_gap() -> None:
    lobby = LobbyCheck()
    lobby.apply(roster(7, "a", "b"), 1.0)
    assert lobby.apply(roster(12, "b", "c"), 2.0) == {"a"}
    assert not lobby.faults
    assert not lobby.is_blind
    lobby.apply(roster(20, "b", total=1500), 3.0)
    assert lobby.is_blind


# The crowd


def test_the_mix_is_rounded_to_whole_players() -> None:
    numbers = counts(7, parse_mix("active=1, idle=1,hold=0"))
    assert sum(numbers.values()) == 7
    assert numbers.keys() == {Kind.ACTIVE, Kind.IDLE}


@pytest.mark.parametrize("mix", ["", "idle", "idle=x", "idle=-1", "idle=0", "king=1", "idle=inf"])
def test_a_mix_that_makes_no_sense_is_refused(mix: str) -> None:
    with pytest.raises(MixRefused):
        parse_mix(mix)


def test_a_seed_makes_the_same_plans_under_other_names() -> None:
    numbers, timing = counts(50, parse_mix("idle=1,hold=1,leaver=1")), Timing(5.0, 5.0)
    one, same, other = (
        make_crowd(numbers, timing, POLICY, seed, tag)
        for seed, tag in ((1, "abc"), (1, "xyz"), (2, "abc"))
    )
    assert [plan.acts for plan in one] == [plan.acts for plan in same]
    assert [plan.acts for plan in one] != [plan.acts for plan in other]
    assert {plan.name for plan in one}.isdisjoint({plan.name for plan in same})
    assert all(plan.acts <= ends_after(one, timing, POLICY) for plan in one)


def test_no_name_looks_like_another() -> None:
    names = [
        player_name(kind, number, 4, tag)
        for tag in (run_tag(), run_tag())
        for kind in Kind
        for number in range(1111)
    ]
    seen: set[str] = set()
    for name in names:
        lookalikes = parse_name(name).lookalikes
        assert seen.isdisjoint(lookalikes)
        seen |= lookalikes


# The verdict


def test_lateness_alone_is_no_failure() -> None:
    verdict = Verdict(late=0.05)
    verdict.add("Ada", Kind.IDLE, [Finding(What.WARNING, Outcome.CAME, 0.2)], [])
    assert verdict.rows[What.WARNING].late == 1
    assert verdict.is_good
    assert "only within 200 ms" in verdict.sentence()


def test_trouble_and_early_missing_or_wrong_messages_are_failures() -> None:
    for outcome in (Outcome.EARLY, Outcome.MISSING, Outcome.WRONG):
        verdict = Verdict(late=0.05)
        verdict.add("Ada", Kind.IDLE, [Finding(What.WARNING, outcome, None, "so")], [])
        assert not verdict.is_good
    verdict = Verdict(late=0.05)
    verdict.add("Bob", Kind.ACTIVE, [], ["the connection was lost (1006)"])
    assert not verdict.is_good
    assert "Bob (active): the connection was lost (1006)" in verdict.lines()


# The script


async def run_script(*arguments: object) -> tuple[int, str]:
    """Run it as a user does; return the exit code and all output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        SCRIPT,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_a_correct_server_passes_the_simulation(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    async with run_server(
        tmp_path / "test.db",
        clock=SystemClock(),
        idle_timeout=3,
        warn_before=1,
        away_after=1,
        reload_grace=0.5,
        reconnect_grace=1.5,
    ) as server:
        code, printed = await run_script("--url", server.url, "--players", 40, "--json", file)
    assert code == 0, printed
    assert "Good: all 20 warnings and 20 sign-outs" in printed
    verdict = json.loads(file.read_text())
    assert verdict["failures"] == []
    due = {what: row["due"] for what, row in verdict["rows"].items()}
    assert due == {"warnings": 20, "sign-outs": 20, "own sign-outs": 2, "leavings": 24}


async def test_a_server_that_warns_early_fails_the_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Session.idle_warning_at
    monkeypatch.setattr(Session, "idle_warning_at", lambda self, policy: right(self, policy) - 0.3)
    async with run_server(
        tmp_path / "test.db",
        clock=SystemClock(),
        idle_timeout=1.5,
        warn_before=0.5,
        away_after=0.5,
    ) as server:
        code, printed = await run_script(
            "--url", server.url, "--players", 4, "--mix", "idle=1", "--arrive-over", 0.1
        )
    assert code == 1, printed
    assert "Failed: 4 of the warnings came early" in printed


async def test_a_run_that_cannot_start_is_explained_in_one_sentence() -> None:
    code, printed = await run_script("--url", "http://127.0.0.1:1")
    assert (code, printed.count("\n")) == (2, 1)
    assert "cannot be reached" in printed
    code, printed = await run_script("--players", 0)
    assert (code, printed.count("\n")) == (2, 1)
