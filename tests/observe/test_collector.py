"""The management of the garbage collector: survivors are frozen, full collections wait for idle
times."""

import gc
from collections.abc import AsyncIterator

import pytest

from server.observe.collector import YOUNG_THRESHOLDS, GarbageCollector


class Server:
    def __init__(self) -> None:
        self.is_idle = False


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def collector(server: Server) -> AsyncIterator[GarbageCollector]:
    collector = GarbageCollector(is_idle=lambda: server.is_idle)
    collector.start()
    yield collector
    collector.stop()


def garbage() -> None:
    """Objects that only the collector can free."""
    cycle: list[object] = []
    cycle.append(cycle)


async def test_objects_of_the_start_are_frozen_and_full_collections_are_off(
    collector: GarbageCollector,
) -> None:
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold() == YOUNG_THRESHOLDS


async def test_objects_that_survive_while_players_are_connected_are_frozen(
    collector: GarbageCollector,
) -> None:
    before = gc.get_freeze_count()
    kept = [[each] for each in range(2000)]
    collector.tidy()
    assert gc.get_freeze_count() >= before + len(kept)


async def test_frozen_garbage_is_collected_when_no_player_is_connected(
    collector: GarbageCollector, server: Server
) -> None:
    collector.tidy()
    garbage()
    gc.freeze()  # as `tidy` does with objects that are still in use
    assert gc.collect() == 0, "it is out of the collector's sight"
    server.is_idle = True
    found = []
    gc.callbacks.append(lambda phase, info: found.append(info["collected"]))
    try:
        collector.tidy()
    finally:
        gc.callbacks.pop()
    assert sum(found) >= 1


async def test_pauses_are_measured(collector: GarbageCollector) -> None:
    before = collector.paused
    gc.collect(0)
    assert collector.paused > before
    assert 0 < collector.worst_pause <= collector.paused


async def test_a_stop_restores_the_collector(server: Server) -> None:
    thresholds, callbacks = gc.get_threshold(), len(gc.callbacks)
    collector = GarbageCollector(is_idle=lambda: True)
    collector.start()
    collector.stop()
    collector.stop()
    assert (gc.get_threshold(), len(gc.callbacks)) == (thresholds, callbacks)
    assert gc.get_freeze_count() == 0
