"""`scripts/measure_departures.py`, and "offline within N s" as docs/protocol.md publishes it.

A silent peer is noticed after a minute, which only the script measures.
"""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from scripts.departures.ways import HIDDEN, TOLERANCE, WAYS, Sight, Verdict, Way
from server.settings import Settings
from server.transport.limits import Limits
from tests.support.paths import ROOT

POLICY = Settings(_env_file=None).policy  # type: ignore[call-arg]
BUSY = "5"
"""Seconds of tolerance for a busy machine; an undetected departure takes 29 s."""


def way(key: str) -> Way:
    return next(each for each in WAYS if each.key == key)


def judge(key: str, *sights: Sight) -> list[str]:
    return Verdict(way(key), POLICY, sights).problems


def test_closes_resets_and_sign_outs_are_noticed_at_once() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "measure_departures.py"), "--quick"]
    done = subprocess.run(
        [*script, "--tolerance", BUSY], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"\bmet\b", done.stdout)) == 6


def test_the_published_table_equals_the_measured_ways() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    table = text[text.index("<!-- departures") : text.index("<!-- /departures -->")]
    assert table.splitlines()[4:-1] == [each.row(POLICY) for each in WAYS]


def test_silence_is_noticed_within_the_promised_time() -> None:
    asked = Limits().ping_interval + Limits().ping_timeout
    assert asked < way("cable").noticed


def test_a_change_seen_in_time_is_no_problem() -> None:
    assert judge("reset", Sight(0.0, 0.5, 30.0), Sight(1.0, 1.0 + HIDDEN, 31.0)) == []
    assert judge("signed-out", Sight(0.0, None, 0.1)) == []


@pytest.mark.parametrize(
    ("sight", "complaint"),
    [
        (Sight(1.1 + TOLERANCE, 1.2, 30.5), "noticed after 1.60 s, promised within 1 s"),
        (Sight(0.1, 2.1 + TOLERANCE, 30.5), "reconnecting after 2.60 s, promised within 2 s"),
        (Sight(0.1, 0.5, 31.1 + TOLERANCE), "offline after 31.60 s, promised within 31 s"),
        (Sight(0.1, 0.5, 29.8), "offline before 30 s"),
        (Sight(None, 0.5, 30.5), "1 of 1 never noticed"),
        (Sight(0.1, None, 30.5), "1 of 1 never reconnecting"),
        (Sight(0.1, 0.5, None), "1 of 1 never offline"),
    ],
)
def test_a_change_seen_late_early_or_never_is_a_problem(sight: Sight, complaint: str) -> None:
    (problem,) = judge("reset", sight)
    assert complaint in problem


def test_a_way_without_a_sight_is_reported_as_not_measured() -> None:
    assert judge("reset") == ["reset: not measured"]


def test_an_idle_player_is_noticed_at_the_idle_timeout() -> None:
    seen = Sight(300.1, None, 300.1)
    assert judge("idle", seen) == []
    (problem,) = judge("idle", replace(seen, offline=299.0))
    assert "offline before 300 s" in problem
