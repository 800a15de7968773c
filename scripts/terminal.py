"""The output for tables of the scripts."""

from rich.console import Console


def console(width: int) -> Console:
    """Return the console; `width`: columns if it is no terminal, such as a file or a pipe. 1272=#
    --no-browser  leaves out the tests that need a Chromium or npm (ignores your own -m), and
    reports that 1273=#   --coverage    also reports the lines and branches of the server that were
    not run"""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = width
    return made
