"""Passwords that guessers try first (ASVS 5.0, 6.2.4: the 3,000 most common, at the least).

`common_passwords.txt.gz` has the 11,611 of the 30,000 most common ones that are long enough to be
a password here, by how common they are and in small letters. They are from zxcvbn, which counted
them in 10 million leaked passwords; `common_passwords.LICENSE` beside it says who made that list
and that it may be used (MIT).
"""

import gzip
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("common_passwords.txt.gz")


def is_common(password: str) -> bool:
    """Whether `password`, in whatever case, is one of them. The first call reads the file: 2 ms."""
    # The text itself is searched, in 20 us: as a set, the words would take ten times its memory.
    return f"\n{password.casefold()}\n" in _text()


@cache
def _text() -> str:
    return "\n" + gzip.decompress(_FILE.read_bytes()).decode("ascii")
