"""Which names look the same: skeletons of Unicode UTS #39, section 4, by one fixed table.

`lookalikes.txt.gz` maps characters to those they look like (confusables.txt of Unicode 17, as ICU
78 applies it) and folds the case of characters unknown to some Pythons before 3.15.
`scripts/make_lookalikes.py` writes it; `lookalikes.LICENSE` is its license. With it and
`unicodedata2` names compare the same on every Python, so that a database can move between them.
"""

import gzip
from pathlib import Path

import unicodedata2


def _read() -> dict[str, dict[int, str]]:
    """Return the tables `fold` and `like`, each by code point."""
    path = Path(__file__).with_name("lookalikes.txt.gz")
    tables: dict[str, dict[int, str]] = {"fold": {}, "like": {}}
    for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines()[1:]:
        point, table, *characters = line.split()
        tables[table][int(point, 16)] = "".join([chr(int(each, 16)) for each in characters])
    return tables


_TABLES = _read()


def fold(text: str) -> str:
    """Return `text` without case, as `str.casefold` does with Unicode 17."""
    return text.translate(_TABLES["fold"]).casefold()


def lookalikes(text: str) -> frozenset[str]:
    """Return the skeletons of a name. Two names that have one in common look alike."""
    # Folding case first and last catch different pairs: "BILL" is "bill" only if folded first, and
    # "BiIl" looks like "Bill" only while its capital I is not yet an i.
    return frozenset({_skeleton(fold(text)), fold(_skeleton(text))})


def _skeleton(text: str) -> str:
    decomposed = unicodedata2.normalize("NFD", text)
    return str(unicodedata2.normalize("NFD", decomposed.translate(_TABLES["like"])))
