"""The output for tables of the scripts."""

from rich.console import Console


def console(width: int) -> Console:
    """Return the console; `width`: columns if it is no terminal, such as a file or a pipe."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = width
    return made
