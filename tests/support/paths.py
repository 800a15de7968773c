"""Where files are that tests of several folders need."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

LIBFAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
"""The library that sets the clocks of a process, as Debian installs it; empty without it."""
