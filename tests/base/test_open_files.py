"""The limit of open files is raised as far as possible."""

import resource

import pytest

from server.base.open_files import allow_open_files

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "raised_to"),
    [
        (256, 4096, 1000, (1000, 4096)),
        (256, 500, 500, (500, 500)),
        (256, INFINITY, 1000, (1000, INFINITY)),
        (1000, 4096, 1000, None),
        (INFINITY, INFINITY, 1000, None),
    ],
)
def test_the_limit_is_raised_as_far_as_needed_and_allowed(
    soft: int,
    hard: int,
    allowed: int,
    raised_to: tuple[int, int] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert allow_open_files(1000) == allowed
    assert raised == ([] if raised_to is None else [raised_to])


def test_a_refusal_of_the_system_leaves_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert allow_open_files(1000) == 256
