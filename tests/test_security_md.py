"""SECURITY.md says what is so: its numbers are the code's, and its tests and files exist.

No number of it goes unchecked. It is a limit's, which the table names; or a code's, whose word
stands behind it; or it is in one of the `sentences`; or it is somebody else's, as `OTHERS` are.
"""

import base64
import ipaddress
import re
import tempfile
from collections.abc import Iterator
from math import ceil
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.accounts.keys import load_keys, make_keys
from server.accounts.tokens import SessionTokens
from server.base.limits import Quota, Rate
from server.limits import Limits
from server.settings import SHORTEST_WARNING, Settings
from server.storage.sqlite.database import SAFE_WAL
from server.web.problems import PROBLEMS
from server.wire.closing import SERVICE_RESTART, Close
from server.wire.credentials import host_of
from server.wire.problem import HSTS

ROOT = Path(__file__).resolve().parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text()
BEGIN, END = "<!-- limits", "<!-- /limits -->"

NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|sixty"
    r"|dozen|hundred|thousand|million|twice|thrice|half|one (?:more )?an? (?:second|minute))s?\b"
    r"|\ban? (?:minute|hour|day|week|month|year)\b",
    re.IGNORECASE,
)
"""In digits or in words; "one" and "a second" alone are too often something else."""

NAMES = re.compile(r"`(?:tests|docs|server|scripts)/[^`]+`|\]\([^)]+\)|`Limits\.[^`]+`")
"""What names a file, a test or a limit."""

OTHERS = (
    # Standards, and what they ask for
    "argon2id",
    "HMAC-SHA-256",
    "SHA-256 of the id",
    "RFC 8266, then Unicode look-alikes (UTS #39)",
    "under NIST's 30 for its lowest level",
    "OWASP ASVS 5.0 (numbers as there)",
    "NIST SP 800-63B",
    "(ASVS 3.5.3)",
    "*Two minutes of warning, an hour before the absolute end* (NIST)",
    "WCAG 2.2.1's",
    "(7.4.5), *disabled accounts* (7.4.2)",
    "(7.4.3)",
    "(4.4.2)",
    "*100 messages a minute*",
    "*Refuse with 401 or 503 before the upgrade*",
    "*Revalidate sessions every half hour*",
    "*TLS only* (4.4.1)",
    "since Safari 15.4",
    "(RFC 8265): RFC 8266",
    "(RFC 8265, 4.2.2)",
    "(4.1.2)",
    "*1,000 kills a night, on three versions of Python*",
    # What is counted, and no limit
    "of two that differ neither is believed",
    "what two parsers could read differently is refused",
    "a day's play",
    "a file that two connections write",
    "what a game has typed half",
    "a folder of mode 700",
)
"""Numbers that are not the code's, with so much around them that they mean one place."""


def settings_of(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)  # type: ignore[call-arg]


def days(seconds: float) -> str:
    return f"{seconds / 86_400:.10g} days"


def bits_of_a_session() -> int:
    secret = SessionTokens(["a key " * 8]).mint().cookie.partition(".")[0]
    return 8 * len(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)))


def made_keys() -> tuple[int, int]:
    """How many bytes the key has that a server makes, and the mode of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "keys")
        make_keys(path)
        (key,) = load_keys(path)
        return len(
            base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        ), path.stat().st_mode & 0o777


def prefix_of_an_address() -> int:
    return ipaddress.ip_network(host_of({"client": ("2001:db8::1", 1)})).prefixlen


KEY_BYTES, KEY_MODE = made_keys()
BITS = bits_of_a_session()


def sentences(limits: Limits, settings: Settings) -> Iterator[str]:
    """What SECURITY.md says in sentences that have numbers."""
    policy = settings.policy
    silence = limits.transport.ping_interval + limits.transport.ping_timeout
    yield f"{BITS} random bits"
    yield f"Idle for {policy.idle_timeout:g} s:"
    yield f"{policy.session_lifetime / 3600:.10g} h in all"
    yield f"lives {days(policy.remember_lifetime)},"
    yield f"A player has at most {policy.max_sessions_per_player}; one more ends the oldest"
    yield f"wait longer than {ceil(silence + 2 * limits.transport.turn)} s in silence"
    yield f"`{settings.host}` is its default"
    yield f"from {limits.storage.max_waiting_for_activity:,} rows on"
    yield f"an IPv6 /{prefix_of_an_address()} for one"
    yield f"{KEY_BYTES} random bytes and kept beside the database, mode {KEY_MODE:o} ("
    yield f"{days(policy.remember_lifetime)} by default; it is refused"
    yield f"SQLite before {'.'.join(map(str, SAFE_WAL[0]))} can corrupt"
    yield f"{policy.warn_before:g} s before either, of {policy.idle_timeout:g} s of idle time"
    yield f"{SHORTEST_WARNING:g} s are the least that goes without a word"
    yield f"{settings.max_messages_per_second:g} a second, because games move"
    yield f"{days(float(HSTS[1].removeprefix('max-age=')))}, for this host"
    yield f"{SERVICE_RESTART} to all at once"


CODES = {word: status for word, (status, _) in PROBLEMS.items()} | {
    each.value.reason: each.value.code for each in Close
}
"""Of every refusal: the HTTP status, or, where the word is that of a close, its code."""


def in_the_code(path: str, limits: Limits, settings: Settings) -> list[float]:
    """The numbers of the limit or setting that `path` names."""
    value = attrgetter(path.partition(".")[2])(settings if path.startswith("S") else limits)
    if isinstance(value, Quota):
        return [value.count, value.seconds]
    if isinstance(value, Rate):
        return [value.burst, value.per_second]
    return [value]


FORMS = {
    "#",
    "# bytes",
    "# characters",
    "# s",
    "# in # s",
    "# in # min",
    "# at once, then # a second",
    "# a second, those of # s at once",
}
"""What a cell with a limit can look like."""


def in_the_text(limit: str) -> list[float]:
    """The numbers of a cell of the table; times in seconds."""
    found = re.findall(r"([\d,.]*\d)( min\b)?", limit)
    return [float(digits.replace(",", "")) * (60 if unit else 1) for digits, unit in found]


def rows_of(text: str) -> list[list[str]]:
    table = text[text.index(BEGIN) : text.index(END)]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return rows[2:]


def wrong_in(text: str, limits: Limits, settings: Settings) -> list[str]:
    """What `text` says that is not so, and the numbers that nothing checks."""
    wrong = []
    for row in rows_of(text):
        if len(row) != 4 or not (paths := re.findall(r"`((?:Limits|Settings)\.[\w.]+)`", row[3])):
            wrong.append(f"a row without a limit: {row}")
            continue
        is_so = [number for path in paths for number in in_the_code(path, limits, settings)]
        if re.sub(r"[\d,.]*\d", "#", row[1]) not in FORMS:
            wrong.append(f"{row[0]}: {row[1]}, in no form that is known")
        if in_the_text(row[1]) != is_so:
            wrong.append(f"{row[0]}: {row[1]}, but {paths} are {is_so}")
    # A cell with a limit has been looked at; of all else, every number has to be accounted for.
    table = text[text.index(BEGIN) : text.index(END)]
    unchecked = re.sub(r"^(\| [^|]+ \|) [^|]+ \|", r"\1", table, flags=re.MULTILINE)
    flat = " ".join(text.replace(table, unchecked).split())
    flat = re.sub(NAMES, "|", flat)
    for said in (*sentences(limits, settings), *OTHERS):
        if said not in flat:
            wrong.append(f"it does not say: {said}")
        flat = flat.replace(said, "|")
    for number, word in re.findall(r"\b(\d{3,4}) `(\w+)`", flat):
        if CODES.get(word) != int(number):
            wrong.append(f"{number} is not the code of {word}")
    flat = re.sub(r"\b\d{3,4} `\w+`", "", flat)
    wrong += [
        f"nothing checks {found[0]!r} in: ...{flat[max(found.start() - 40, 0) : found.end() + 40]}"
        for found in NUMBER.finditer(flat)
    ]
    return wrong


def test_every_number_is_the_codes() -> None:
    assert wrong_in(SECURITY, Limits(), settings_of()) == []
    assert len(rows_of(SECURITY)) > 20


def test_no_number_can_change_in_the_text_alone() -> None:
    names = [range(*found.span()) for found in NAMES.finditer(SECURITY)]
    numbers = [
        found
        for found in NUMBER.finditer(SECURITY)
        if not any(found.start() in name for name in names)
    ]
    assert len(numbers) > 100
    unnoticed = []
    for found in numbers:
        other = "11 times" if found[0][-1].isalpha() else f"{found[0]}7"
        text = SECURITY[: found.start()] + other + SECURITY[found.end() :]
        if not wrong_in(text, Limits(), settings_of()):
            unnoticed.append(found)
    assert unnoticed == []


@pytest.mark.parametrize(
    "more",
    [
        "A player has 7 lives.",
        "Twice as many are let in.",
        "Then one more a second.",
        "It is refused with 403.",
        "| doors | 3 | shut | `Limits` |",
    ],
)
def test_a_new_number_has_to_be_checked(more: str) -> None:
    for place in (END, "## Keys", "## Dependencies"):
        text = SECURITY.replace(place, f"{more}\n\n{place}")
        assert wrong_in(text, Limits(), settings_of()) != [], place


def other_values(value: Any) -> Iterator[Any]:
    """Values like `value`, each with one number of it changed."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            for other in other_values(getattr(value, name)):
                yield msgspec.structs.replace(value, **{name: other})
    else:
        yield value + 1


@pytest.mark.parametrize(
    "path",
    [
        *sorted(set(re.findall(r"`((?:Limits|Settings)\.[\w.]+)`", SECURITY))),
        "Limits.storage.max_waiting_for_activity",
        "Settings.idle_timeout",
        "Settings.session_lifetime",
        "Settings.remember_lifetime",
        "Settings.warn_before",
    ],
)
def test_no_number_can_change_in_the_code_alone(path: str) -> None:
    kind, *names = path.split(".")
    if kind == "Settings":
        for other in other_values(Settings.model_fields[names[0]].default):
            assert wrong_in(SECURITY, Limits(), settings_of(**{names[0]: other})) != []
        return
    part, name = names
    limits = getattr(Limits(), part)
    for other in other_values(getattr(limits, name)):
        changed = msgspec.structs.replace(limits, **{name: other})
        of_all = msgspec.structs.replace(Limits(), **{part: changed})
        assert wrong_in(SECURITY, of_all, settings_of()) != []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[^`]+)`", SECURITY))))
def test_the_tests_that_prove_it_exist(name: str) -> None:
    path, _, test = name.partition("::")
    text = (ROOT / path).read_text()
    assert "def test_" in text
    assert not test or re.search(rf"^(async )?def {test}\(", text, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`(docs/[^`]+)`", SECURITY))))
def test_the_files_that_it_names_exist(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", SECURITY))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_promise_names_a_test() -> None:
    promises = SECURITY[SECURITY.index("## What is promised") :].split("\n\n")[1]
    rows = promises.splitlines()[2:]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row] == []
