"""Passwords that attackers try first (ASVS 5.0, 6.2.4: at least the 3,000 most common).

`common_passwords.txt.gz` has those of the 30,000 most common passwords that are long enough to be
allowed here: 11,611, in lower case, the most common first. They are from zxcvbn, which counted 10
million leaked passwords; the license (MIT) is in `common_passwords.LICENSE`.
"""

import gzip
from functools import cache
from pathlib import Path

from server.accounts.lookalikes import fold

_FILE = Path(__file__).with_name("common_passwords.txt.gz")


def is_common(password: str) -> bool:
    """Return True if `password`, in any case, is in the list. The first call reads it: 2 ms."""
    # Searches the text itself, in 20 us: a set of the words would take ten times its memory.
    return f"\n{fold(password)}\n" in _text()


@cache
def _text() -> str:
    return "\n" + gzip.decompress(_FILE.read_bytes()).decode("ascii")
