"""Fixtures of the tests of the storage."""

import pytest

from server.storage.batch import Batch
from tests.support.storage_rig import StorageRig


@pytest.fixture
def batches(rig: StorageRig, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """Every batch that is written."""
    written: list[Batch] = []
    write = rig.engine.write

    async def write_and_keep(batch: Batch) -> None:
        written.append(batch)
        await write(batch)

    monkeypatch.setattr(rig.engine, "write", write_and_keep)
    return written
