"""SECURITY.md says what is so: its limits are the code's, and its tests and files exist."""

import re
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from server.base.limits import Quota
from server.limits import Limits
from server.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text()
LIMITS = re.findall(
    r"^\| (.+?) \| (.+?) \| .+? \| `([\w.]+)` \|$",
    SECURITY[SECURITY.index("<!-- limits") : SECURITY.index("<!-- /limits -->")],
    re.MULTILINE,
)


def in_the_code(path: str) -> Any:
    """The default of the limit or setting that `path` names."""
    if path.startswith("Settings."):
        return Settings.model_fields[path.removeprefix("Settings.")].default
    if path.startswith("Limits."):
        return attrgetter(path.removeprefix("Limits."))(Limits())
    raise AssertionError(f"there is no {path}")


@pytest.mark.parametrize(("what", "limit", "path"), LIMITS, ids=[path for *_, path in LIMITS])
def test_the_limits_are_the_codes(what: str, limit: str, path: str) -> None:
    value = in_the_code(path)
    if isinstance(value, Quota):
        count, seconds = value.count, value.seconds
        assert limit in (f"{count} in {seconds / 60:g} min", f"{count} in {seconds:g} s")
    else:
        assert float(limit.split()[0].replace(",", "")) == value, what


def test_the_table_of_limits_is_read_whole() -> None:
    table = SECURITY[SECURITY.index("<!-- limits") : SECURITY.index("<!-- /limits -->")]
    assert len(LIMITS) == table.count("\n|") - 2 > 20, "but for its head"


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


def test_what_a_sentence_says_of_the_defaults_is_so() -> None:
    policy = Settings(_env_file=None).policy  # type: ignore[call-arg]
    assert f"Idle for {policy.idle_timeout:g} s" in SECURITY
    assert f"{policy.session_lifetime / 3600:g} h\nin all" in SECURITY
    assert f"lives {policy.remember_lifetime / 86400:g} days" in SECURITY
    assert f"{policy.warn_before:g} s before either" in SECURITY
