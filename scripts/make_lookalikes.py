#!/usr/bin/env python3
"""Write the table of look-alike characters again: see server/accounts/lookalikes.py.

    python3 -m venv icu && icu/bin/pip install icukit-pyicu==78.3.1
    icu/bin/python scripts/make_lookalikes.py server/accounts/lookalikes.txt.gz

The table has the version of Unicode that ICU has; it must be the one of the `unicodedata2` that is
pinned in scripts/requirements/dev.txt.
"""

import gzip
import sys
from pathlib import Path

import icu

OLDEST_PYTHON = 14.0
"""The version of Unicode in the oldest supported Python (3.11)."""

_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "
_SPOOF = icu.SpoofChecker()


def main(path: str) -> None:
    points = [point for point in range(0x110000) if is_character(point)]
    lines = [f"# Unicode {icu.UNICODE_VERSION}: character, fold or like, characters\n"]
    lines += [line(point, "fold", fold(point)) for point in points if is_newer(point)]
    decomposed = [point for point in points if is_decomposed(point)]
    lines += [line(point, "like", like) for point, like in prototypes(decomposed).items()]
    text = "".join(lines)
    Path(path).write_bytes(gzip.compress(text.encode("ascii"), mtime=0))


def is_character(point: int) -> bool:
    return icu.Char.isdefined(point) and not 0xD800 <= point < 0xE000


def is_newer(point: int) -> bool:
    return float(icu.Char.charAge(point)) > OLDEST_PYTHON


def is_decomposed(point: int) -> bool:
    return bool(icu.Normalizer2.getNFDInstance().normalize(chr(point)) == chr(point))


def fold(point: int) -> str:
    """Return the character without case."""
    return str(icu.CaseMap.fold(chr(point)))


def prototypes(points: list[int]) -> dict[int, str]:
    """Return the prototype of all characters that look like each (UTS #39, section 4). If a small
    capital is among them, it is the skeleton of the lower-case letter: Unicode treats small
    capitals as letters of their own, but they look like plain letters in capitals."""
    skeletons = {point: skeleton(chr(point)) for point in points}
    plain = {
        shown: skeleton(letter.lower())
        for point, shown in skeletons.items()
        if (letter := icu.Char.charName(point).removeprefix(_SMALL_CAPITAL)) and len(letter) == 1
    }
    return {
        point: plain.get(shown) or "".join(plain.get(each, each) for each in shown)
        for point, shown in skeletons.items()
    }


def skeleton(text: str) -> str:
    return str(_SPOOF.getSkeleton(0, text))


def line(point: int, what: str, characters: str) -> str:
    """Return a line of the table; empty if the character stands for itself."""
    if characters == chr(point):
        return ""
    return " ".join([f"{point:04X}", what, *(f"{ord(each):04X}" for each in characters)]) + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
