"""What is queued and not written yet, by what it is about."""

from server.storage.journal import Journal


class Unwritten:
    """The players, or matches, that rows are queued of: reads about these wait for the rows, and
    reads about others for nothing. Else whoever reads would decide when the journal writes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # With the number of the latest entry about each.
        self._upto: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._upto)

    def note(self, *ids: str) -> None:
        """Rows about these were queued, and counted."""
        for id in ids:
            self._upto[id] = self._journal.queued

    async def flush(self, id: str) -> None:
        """Wait until what was queued about `id` is durable, as `Journal.flush` does."""
        if self._upto.get(id, 0) > self._journal.written:
            await self._journal.flush()

    def tidy(self) -> None:
        """Forget what is written."""
        written = self._journal.written
        self._upto = {id: upto for id, upto in self._upto.items() if upto > written}
