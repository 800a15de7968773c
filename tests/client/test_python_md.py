"""docs/python.md names the public API of the client."""

import re
from pathlib import Path

import pytest

from server.client import Client, Room, Rooms

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text()
NAMED = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", PAGE.replace("```", "")))))
"""Every word in backquotes."""

SERVERS_OWN = {"connected", "lost", "hear", "replace", "apply", "expect_whole", "close"}
"""Methods for the client's own parts. `Client.close` is public."""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (Client, public(Client)),
        (Room, public(Room) - SERVERS_OWN),
        (Rooms, public(Rooms) - SERVERS_OWN),
    ],
)
def test_every_public_method_and_property_is_named(kind: type, named: set[str]) -> None:
    assert len(named) > 5
    assert named - NAMED == set(), kind


def test_the_samples_import_the_names_that_they_use() -> None:
    for sample in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        for name in re.findall(r"\b(?:case |as |= )?([A-Z]\w+)\(", sample):
            assert re.search(rf"^from server\.[\w.]+ import .*\b{name}\b", sample, re.MULTILINE), (
                name
            )
