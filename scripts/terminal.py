"""Where the tables of the scripts are printed."""

from rich.console import Console


def console(width: int) -> Console:
    """The terminal; `width`: columns of what is no terminal, such as a file or a pipe."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = width
    return made
