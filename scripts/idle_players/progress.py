"""The progress of a run: a bar on a terminal, otherwise a line now and then."""

import asyncio
from collections import Counter
from time import monotonic
from typing import Any, TextIO

_BAR_EVERY = 0.25
_LINE_EVERY = 5.0


class Meter:
    """Shows `progress` against what is expected. `seconds`: the duration of the run."""

    def __init__(
        self, progress: Counter[str], expected: dict[str, int], seconds: float, out: TextIO
    ) -> None:
        self._progress = progress
        self._expected = expected
        self._seconds = seconds
        self._out = out
        self._began = monotonic()

    async def show(self) -> None:
        """Show it until cancelled."""
        bar = _make_bar(self._out, self._seconds)
        if bar is None:
            await self._show_lines()
            return
        task = bar.add_task("", total=self._seconds, counts="")
        bar.start()
        try:
            while True:
                self._refresh(bar, task)
                await asyncio.sleep(_BAR_EVERY)
        finally:
            self._refresh(bar, task)
            bar.stop()

    async def _show_lines(self) -> None:
        while True:
            await asyncio.sleep(_LINE_EVERY)
            elapsed = clock_face(monotonic() - self._began)
            line = f"{elapsed} of about {clock_face(self._seconds)}: {self._counts()}"
            print(line, file=self._out, flush=True)

    def _refresh(self, bar: Any, task: Any) -> None:
        elapsed = monotonic() - self._began
        bar.update(
            task,
            completed=min(elapsed, self._seconds),
            description=f"{clock_face(elapsed)} of about {clock_face(self._seconds)}",
            counts=self._counts(),
        )
        bar.refresh()

    def _counts(self) -> str:
        return " · ".join(
            f"{self._progress[what]}/{number} {what}" for what, number in self._expected.items()
        )


def in_words(seconds: float) -> str:
    """Format a duration for a sentence, as `65 s` or `5 min 50 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes > 1 else f"{60 * minutes + rest} s"


def clock_face(seconds: float) -> str:
    """Format a duration as minutes and seconds, `5:07`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _make_bar(out: TextIO, seconds: float) -> Any:
    """Return rich's bar; None if `out` is no terminal or rich is missing (a server does not need
    it)."""
    if not out.isatty():
        return None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
    except ImportError:
        return None
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None, complete_style="cyan"),
        TextColumn("{task.fields[counts]}"),
        console=Console(file=out),
        # rich's own thread would disturb the loop that measures arrival times.
        auto_refresh=False,
        expand=True,
    )
