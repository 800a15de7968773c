"""Scenes with real clocks are played again where this process was late, and only there."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.scenes import Scene, TooLate, play_in_time


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


def scene_of(*tries: Exception | float) -> tuple[Scene, list[Path]]:
    """A scene, and the folders that it is played in: each time it raises, or finds something
    wrong having held up its loop for so many seconds, or ends well when there is no more."""
    left, played = list(tries), list[Path]()

    async def play(folder: Path) -> None:
        played.append(folder)
        if not left:
            return
        what = left.pop(0)
        if isinstance(what, Exception):
            raise what
        await asyncio.sleep(0)  # the measuring begins
        hold_up(what)
        raise AssertionError(f"after {what} s")

    return play, played


async def test_what_a_late_process_finds_wrong_is_not_believed() -> None:
    scene, played = scene_of(0.4, 0.4)
    folders = iter([Path("one"), Path("two"), Path("three")])
    await play_in_time(scene, lambda: next(folders))
    assert played == [Path("one"), Path("two"), Path("three")]


async def test_what_a_process_in_time_finds_wrong_is_so() -> None:
    scene, played = scene_of(0.0)
    with pytest.raises(AssertionError, match=r"after 0\.0 s"):
        await play_in_time(scene, Path)
    assert len(played) == 1


async def test_what_is_found_each_time_is_told_however_late_the_process_is() -> None:
    scene, played = scene_of(*[0.3] * 6)
    with pytest.raises(AssertionError, match=r"after 0\.3 s"):
        await play_in_time(scene, Path)
    assert len(played) == 6


async def test_a_scene_that_comes_about_too_late_is_played_again() -> None:
    scene, played = scene_of(TooLate())
    await play_in_time(scene, Path)
    assert len(played) == 2


async def test_one_that_never_comes_about_in_time_fails() -> None:
    scene, played = scene_of(*[TooLate()] * 6)
    with pytest.raises(pytest.fail.Exception, match="never in time"):
        await play_in_time(scene, Path)
    assert len(played) == 6
