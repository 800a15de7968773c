"""The tests and files that SECURITY.md names exist, and every promise of it names a test. Its
numbers are checked by tests/test_documents.py."""

import re

import pytest

from tests.support.paths import ROOT

SECURITY = (ROOT / "SECURITY.md").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[^`]+)`", SECURITY))))
def test_the_tests_that_prove_it_exist(name: str) -> None:
    path, _, test = name.partition("::")
    text = (ROOT / path).read_text()
    assert "def test_" in text
    assert not test or re.search(rf"^(async )?def {test}\(", text, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`(docs/[^`]+)`", SECURITY))))
def test_the_files_that_it_names_exist(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_promise_names_a_test() -> None:
    promises = SECURITY[SECURITY.index("## What is promised") :].split("\n\n")[1]
    rows = promises.splitlines()[2:]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row] == []
