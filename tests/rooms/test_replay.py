"""`stillhere replay`: a finished match, state by state, from the API's answer."""

import json
from pathlib import Path

import msgspec
import pytest

from server.__main__ import main
from server.games.game import View
from server.rooms.replay import NotReplayable, views_of
from tests.rooms.games import Beat, Ticking
from tests.support.live_server import LiveServer
from tests.support.tables import match_of, played, seated, whose_turn


async def finished(server: LiveServer) -> dict[str, object]:
    """A match of Connect Four, as the API returns it."""
    ada, kim = await seated(server, "connect-four")
    for column in (0, 1, 0, 1, 0, 1, 0):
        await whose_turn(server, ada, kim).act({"column": column})
    assert match_of(server).outcome is not None
    return await played(ada)


async def test_the_command_prints_every_state_as_a_spectator_saw_it(
    server: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "match.json"
    file.write_text(json.dumps(await finished(server)))
    main(["replay", str(file)])
    states = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(states) == 8
    assert states[0]["at"] == 0.0
    assert [len("".join(each["view"]["columns"])) for each in states] == [*range(8)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"game": "chess"}, "'chess', which is not installed; there are: connect-four"),
        ({"game": None}, "it names no game"),
        ({"moves": [{"step": 1, "at": 0.0, "seat": 0, "action": 7}]}, "not played by these rules"),
        (
            {"moves": [{"step": 1, "at": 0.0, "seat": 0, "event": "jumped"}]},
            "no match as GET /api/matches/{id} answers it: Invalid enum value 'jumped'",
        ),
        (
            {"moves": [{"step": 1, "at": 0.0, "seat": 0}]},
            "no match as GET /api/matches/{id} answers it: 'event'",
        ),
        ({"moves": None}, "no match as GET /api/matches/{id} answers it"),
        ({"next": "3"}, "only some of the moves: add those of the answer with ?after=3"),
        ({"steps": "8"}, "no match as GET /api/matches/{id} answers it"),
    ],
)
async def test_an_invalid_match_is_refused_in_one_line(
    server: LiveServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    said: str,
) -> None:
    file = tmp_path / "match.json"
    match = await finished(server)
    file.write_text(json.dumps(match | change))
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(file)])
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert said in told
    assert told.count("\n") == 1


class BadDue(Ticking):
    def due(self, state: Beat) -> float:
        return None  # type: ignore[return-value]


class BadView(Ticking):
    def view(self, state: Beat, seat: int | None) -> View:
        return [state.ticks]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("game", "said"),
    [(BadDue(), "TypeError: "), (BadView(), "TypeError: [0] is no object of JSON")],
)
def test_an_answer_of_a_game_that_makes_no_sense_is_one_of_other_rules(
    game: Ticking, said: str
) -> None:
    match = {"game": "ticking", "seed": "s", "steps": 2, "players": [{}, {}], "moves": []}
    with pytest.raises(NotReplayable) as refused:
        list(views_of(msgspec.json.encode(match), {"ticking": game}))
    assert str(refused.value).startswith(f"it was not played by these rules: {said}")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'"\xff"', b'"\\ud800"'])
def test_a_file_that_is_not_json_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "match.json"
    file.write_bytes(content)
    with pytest.raises(SystemExit):
        main(["replay", str(file)])
    told = capsys.readouterr().err
    assert "match.json cannot be replayed: it is not JSON: " in told
    assert told.count("\n") == 1


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replay", str(tmp_path / "none.json")])
    assert capsys.readouterr().err == (
        f"stillhere: {tmp_path / 'none.json'} cannot be read: No such file or directory\n"
    )
