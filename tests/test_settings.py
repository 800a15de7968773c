"""Settings: their sources, and messages for invalid ones."""

from pathlib import Path

import pytest

from server import settings as settings_module
from server.limits import Limits
from server.presence.policy import Policy
from server.settings import LONGEST, Settings, SettingsRefused, load_settings
from tests.support.live_server import run_server


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no variables of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STILLHERE_{name.upper()}", raising=False)


def test_the_defaults_equal_those_of_the_policy() -> None:
    assert load_settings().policy == Policy()


def test_a_flag_beats_the_environment_and_that_beats_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("STILLHERE_PORT=1111\nSTILLHERE_HOST=0.0.0.0\nOTHER=1\n")
    assert load_settings().port == 1111
    monkeypatch.setenv("STILLHERE_PORT", "2222")
    assert load_settings().port == 2222
    settings = load_settings(port="3333")
    assert (settings.port, settings.host) == (3333, "0.0.0.0")


def test_durations_may_be_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLHERE_RELOAD_GRACE", "0.25")
    assert load_settings().policy.reload_grace == 0.25


def test_lists_are_separated_by_commas() -> None:
    settings = load_settings(
        secret_keys=f"{'n' * 32}, {'o' * 32}",
        allowed_origins="https://Game.example,http://localhost:3000",
        trusted_proxies="10.0.0.0/8, ::1",
    )
    assert settings.secret_keys == ("n" * 32, "o" * 32)
    assert settings.allowed_origins == ("https://game.example", "http://localhost:3000")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            {"away_after": "-1"},
            "STILLHERE_AWAY_AFTER=-1: input should be greater than or equal to 0.001",
        ),
        (
            {"idle_timeout": "0"},
            "STILLHERE_IDLE_TIMEOUT=0: input should be greater than or equal to 0.001",
        ),
        ({"idle_timeout": "soon"}, "STILLHERE_IDLE_TIMEOUT=soon: input should be a valid number"),
        ({"idle_timeout": "inf"}, "STILLHERE_IDLE_TIMEOUT=inf: input should be a finite number"),
        ({"reload_grace": "-0.1"}, "STILLHERE_RELOAD_GRACE=-0.1: input should be greater than or"),
        ({"port": "65536"}, "STILLHERE_PORT=65536: input should be less than or equal to 65535"),
        ({"max_sessions_per_player": "0"}, "STILLHERE_MAX_SESSIONS_PER_PLAYER=0: input should be"),
        ({"warn_before": "300"}, "STILLHERE_WARN_BEFORE=300 must be shorter than IDLE_TIMEOUT=300"),
        ({"away_after": "241"}, "STILLHERE_AWAY_AFTER=241 must not be later than the warning"),
        ({"session_lifetime": "60"}, "STILLHERE_SESSION_LIFETIME=60 must be longer than WARN_BEFO"),
        ({"remember_lifetime": "60"}, "STILLHERE_REMEMBER_LIFETIME=60 must be longer than WARN_BE"),
        (
            {"away_after": "0"},
            "STILLHERE_AWAY_AFTER=0: input should be greater than or equal to 0.001",
        ),
        ({"away_after": "0.0009"}, "STILLHERE_AWAY_AFTER=0.0009: input should be greater than or"),
        ({"warn_before": "1e-7"}, "STILLHERE_WARN_BEFORE=1e-7: input should be greater than or"),
        ({"session_lifetime": "1e300"}, "STILLHERE_SESSION_LIFETIME=1e300: input should be less"),
        ({"remember_lifetime": "3155760001"}, "STILLHERE_REMEMBER_LIFETIME=3155760001: input"),
        (
            {"session_lifetime": "1209600", "warn_before": "1209600", "idle_timeout": "1300000"},
            "STILLHERE_SESSION_LIFETIME=1209600 must be longer than WARN_BEFORE=1209600",
        ),
        ({"max_hold": "1e10"}, "STILLHERE_MAX_HOLD=1e10: input should be less than or equal to"),
        ({"max_hold": "nan"}, "STILLHERE_MAX_HOLD=nan: input should be"),
        ({"reconnect_grace": "inf"}, "STILLHERE_RECONNECT_GRACE=inf: input should be"),
        ({"warn_before": "301"}, "STILLHERE_WARN_BEFORE=301 must be shorter than IDLE_TIMEOUT=300"),
        (
            {"away_after": "0.21", "warn_before": "0.1", "idle_timeout": "0.3"},
            "STILLHERE_AWAY_AFTER=0.21 must not be later than the warning, which is due after 0.2",
        ),
        ({"allowed_origins": "game.example"}, "'game.example' is no origin; write it like https"),
        ({"allowed_origins": "https://a.example/x"}, "is no origin"),
        ({"allowed_origins": "https://*.game.example"}, "is no origin; write it like"),
        ({"allowed_origins": "https://me@game.example"}, "is no origin; write it like"),
        ({"allowed_origins": "https://game.example?x"}, "is no origin; write it like"),
        ({"allowed_origins": "https://game.example#x"}, "is no origin; write it like"),
        ({"allowed_origins": "https://game.example/"}, "is no origin; write it like"),
        ({"allowed_origins": "https://game.example:"}, "is no origin; write it like"),
        ({"allowed_origins": "https://g\xe4me.example"}, "is no origin; write it like"),
        ({"allowed_origins": "https://game..example"}, "is no origin; write it like"),
        ({"allowed_origins": "null"}, "'null' is no origin; write it like"),
        ({"allowed_origins": "https://a.example:443"}, "is what no browser says; write https://a"),
        ({"allowed_origins": "http://a.example:80"}, "is what no browser says; write http://a"),
        ({"max_messages_per_second": "0.4"}, "STILLHERE_MAX_MESSAGES_PER_SECOND=0.4: not even one"),
        ({"database": ""}, "STILLHERE_DATABASE=: it names no file"),
        ({"database": " "}, "STILLHERE_DATABASE= : it names no file"),
        ({"trusted_proxies": "proxy"}, "'proxy' is neither an address nor a network"),
        ({"trusted_proxies": "0.0.0.0/0"}, "'0.0.0.0/0' is everybody"),
        ({"trusted_proxies": "10.0.0.1,::/0"}, "'::/0' is everybody"),
        (
            {"trusted_proxies": "128.0.0.0/1,::1,0.0.0.0/1"},
            "'128.0.0.0/1, 0.0.0.0/1' is everybody",
        ),
        ({"trusted_proxies": "0.0.0.0/2,64.0.0.0/2,128.0.0.0/1"}, "is everybody"),
        ({"trusted_proxies": "::/1,10.0.0.1,8000::/1"}, "'::/1, 8000::/1' is everybody"),
    ],
)
def test_an_invalid_setting_is_named(flags: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsRefused) as caught:
        load_settings(**flags)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "flags",
    [
        {"away_after": "240"},
        {"warn_before": "299.9", "away_after": "0.1"},
        {"away_after": "0.2", "warn_before": "0.1", "idle_timeout": "0.3"},
        {"away_after": "0.001", "warn_before": "0.001", "idle_timeout": "0.002"},
        {"session_lifetime": "60.1"},
        {"session_lifetime": "100", "remember_lifetime": "99"},
        {"remember_lifetime": "3155760000", "session_lifetime": "3155760000"},
        {"reload_grace": "60", "reconnect_grace": "10"},
        {"reconnect_grace": "1000"},
        {"max_hold": "100000"},
        {"max_sessions_per_player": "1"},
        {"secret_keys": "k" * 32},
        {"max_hold": "0", "reload_grace": "0", "reconnect_grace": "0"},
        {"max_messages_per_second": "0"},
        {"max_messages_per_second": "0.5"},
        {"allowed_origins": "http://localhost:3000,https://[::1]:8443,HTTPS://A-b.example:8080"},
        {"database": "not/there/yet.db"},
        {"trusted_proxies": "0.0.0.0/1,::/1,128.0.0.0/2"},
    ],
)
def test_the_outermost_sensible_settings_are_accepted(flags: dict[str, str]) -> None:
    load_settings(**flags)


def test_at_the_slowest_limit_a_burst_is_one_message() -> None:
    assert settings_module.SLOWEST_LIMIT * Limits().realtime.message_burst == 1.0


async def test_the_slowest_limit_there_can_be_lets_a_message_through(tmp_path: Path) -> None:
    slowest = settings_module.SLOWEST_LIMIT
    async with run_server(tmp_path / "test.db", max_messages_per_second=slowest) as server:
        tab = await (await server.guest("Ada")).tab()
        await tab.ask("ping", "pong")
        await server.advance(1 / slowest)
        await tab.ask("ping", "pong")
        await tab.send("ping")
        assert (await tab.closed())[0] == 4401


async def test_allowed_origins_match_those_that_browsers_send(tmp_path: Path) -> None:
    said = ["http://localhost:3000", "https://[::1]:8443", "https://a-b.example"]
    async with run_server(tmp_path / "test.db", allowed_origins=",".join(said)) as server:
        ada = await server.guest("Ada")
        for origin in said:
            response = await ada.http.get("/api/session", headers={"Origin": origin})
            assert response.status_code == 200


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"warn_before": "19.9"}, "STILLHERE_WARN_BEFORE=19.9 leaves players less than the 20 s"),
        ({"warn_before": "20", "session_lifetime": "300", "remember_lifetime": "300"}, None),
        ({"session_lifetime": "299.9"}, "STILLHERE_SESSION_LIFETIME=299.9 is shorter than IDLE_"),
        ({"remember_lifetime": "100"}, "STILLHERE_REMEMBER_LIFETIME=100 is shorter than IDLE_TIM"),
        ({"host": "0.0.0.0"}, "STILLHERE_HOST=0.0.0.0 is reached by others without TLS"),
        ({"host": "0.0.0.0", "trusted_proxies": "10.0.0.1"}, None),
        ({"host": "localhost"}, None),
        ({"secret_keys": "abcdefgh" * 4}, None),
        (
            {"secret_keys": "abcdefgh" * 4 + "," + "abcdefg" * 5},
            "key 2 of STILLHERE_SECRET_KEYS has only 7 different characters",
        ),
    ],
)
def test_settings_that_are_probably_mistakes_are_found(
    flags: dict[str, str], words: str | None
) -> None:
    oddities = load_settings(**flags).oddities
    assert len(oddities) == (words is not None)
    assert all(oddity.startswith(str(words)) for oddity in oddities)


async def test_the_longest_life_there_can_be_is_stored_and_shown(tmp_path: Path) -> None:
    """An end too large for the database would stop its writer at the first sign-in."""
    async with run_server(
        tmp_path / "test.db", session_lifetime=LONGEST, remember_lifetime=LONGEST
    ) as server:
        ada = await server.guest("Ada")
        await server.still_here.store.journal.written_up_to_here()
        assert ada.view["session"]["ends_in"] == LONGEST
        assert (await ada.http.get("/api/sessions")).status_code == 200
