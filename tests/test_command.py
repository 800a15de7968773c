"""The `stillhere` command: typing errors are reported in one line, and open files are counted."""

from pathlib import Path

import pytest

from server import __main__ as command
from server.__main__ import main
from server.limits import Limits
from server.settings import Settings


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--idle_timeout", "600"], "--idle_timeout is no flag; did you mean --idle-timeout?"),
        (["--idle_timeout=600"], "--idle_timeout is no flag; did you mean --idle-timeout?"),
        (["--IDLE-TIMEOUT", "6"], "--IDLE-TIMEOUT is no flag; did you mean --idle-timeout?"),
        (["--port", "0", "--hots", "::"], "--hots is no flag; did you mean --host?"),
        (["backup", "--databse", "a.db", "b"], "--databse is no flag; did you mean --database?"),
        (["--zzz", "1"], "--zzz is no flag; see `stillhere --help`"),
    ],
)
def test_a_mistyped_flag_is_refused_in_one_line_that_names_the_nearest(
    capsys: pytest.CaptureFixture[str], typed: list[str], says: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"stillhere: {says}\n"


@pytest.mark.parametrize("before", ["--database", "--databas", "--database={}"])
def test_flags_may_be_shortened_and_take_values_with_or_without_an_equals_sign(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, before: str
) -> None:
    none = str(tmp_path / "none.db")
    flag = [before.format(none)] if "=" in before else [before, none]
    with pytest.raises(SystemExit) as ended:
        main([*flag, "backup", str(tmp_path / "copy.db")])
    assert ended.value.code == 1
    assert none in capsys.readouterr().err


def test_arguments_after_two_dashes_are_no_flags(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--", "--idle_timeout"])
    assert ended.value.code == 1
    assert "--idle_timeout cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "most", "warns"),
    [(10**6, 21_000, False), (20_600, 20_500, False), (1024, 924, True), (60, 30, True)],
)
def test_connections_of_any_kind_leave_files_for_the_database(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    files: int,
    most: int,
    warns: bool,
) -> None:
    monkeypatch.setattr(command, "allow_open_files", lambda needed: min(needed, files))
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert command._allow_connections(settings, Limits()) == most
    assert ("MAX_CONNECTIONS=20000" in caplog.text) == warns


@pytest.mark.parametrize(("mode", "warns"), [(0o775, False), (0o1777, False), (0o707, True)])
def test_a_folder_in_which_others_may_replace_the_database_is_logged(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, mode: int, warns: bool
) -> None:
    tmp_path.chmod(mode)
    settings = Settings(_env_file=None, database=str(tmp_path / "test.db"))  # type: ignore[call-arg]
    command._note_oddities(settings)
    assert (f"chmod o-w {tmp_path.resolve()}" in caplog.text) == warns
    command._note_oddities(Settings(_env_file=None, database="no/where/test.db"))  # type: ignore[call-arg]


@pytest.mark.parametrize("user", [0, 1000])
def test_a_server_that_runs_as_root_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, user: int
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    command._note_oddities(Settings(_env_file=None))  # type: ignore[call-arg]
    assert ("as root" in caplog.text) == (user == 0)
