"""Every setting: its name, unit, default and meaning, and which values are refused together.

Read from the environment and a `.env` file with the prefix `STILLHERE_`; each is also a flag of
the `stillhere` command. Durations are seconds and may be fractional.
"""

import ipaddress
import os
import re
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from server.base.schemes import DEFAULT_PORTS
from server.base.units import in_digits
from server.presence.policy import Policy

PREFIX = "STILLHERE_"
SHORTEST_WARNING = 20.0
"""The fewest seconds between a warning and the end of a session that WCAG 2.2.1 allows."""
FEWEST_CHARACTERS = 8
"""The fewest different characters of a secret key without a warning: of 32 random digits, one in a
thousand has fewer."""
SLOWEST_LIMIT = 0.5
"""The lowest limit of messages a second: with less, a burst of two seconds has no whole message."""

SHORTEST, LONGEST = 0.001, 3_155_760_000.0
"""Bounds of durations in seconds: a millisecond, the resolution of stored instants, and a hundred
years, beyond which databases and calendars overflow."""
_ROUNDING = 1e-9
"""Tolerance in seconds for sums of fractions: 0.3 - 0.1 < 0.2."""

_IS_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?"
).fullmatch
"""An origin as browsers send it, in lower case (RFC 6454, 6.2); other than ASCII is in Punycode."""

_OWN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
"""What only this machine reaches."""

_POLICY = Policy()

Duration = Annotated[float, Field(ge=SHORTEST, le=LONGEST, allow_inf_nan=False)]
Grace = Annotated[float, Field(ge=0, le=LONGEST, allow_inf_nan=False)]
Words = Annotated[tuple[str, ...], NoDecode]


class SettingsRefused(Exception):
    """Invalid or contradictory settings. `problems`: one sentence each, naming the setting."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """What the operator decides. Use `load_settings` for errors that a person can read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, validate_default=True
    )

    host: str = Field("127.0.0.1", description="address to listen on; ::, all of IPv6 and IPv4")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0: any free one")
    database: str = Field("stillhere.db", description="the SQLite file")
    secret_keys: Words = Field(
        (),
        description="keys that sign the session cookie, comma separated, newest first; made and "
        "kept beside the database when not given",
    )
    away_after: Duration = Field(
        _POLICY.away_after, description="seconds without activity until `away`"
    )
    warn_before: Duration = Field(
        _POLICY.warn_before, description="seconds between the warning and the sign-out"
    )
    idle_timeout: Duration = Field(
        _POLICY.idle_timeout, description="seconds without activity until signed out"
    )
    session_lifetime: Duration = Field(
        _POLICY.session_lifetime, description="longest life of a session, seconds"
    )
    remember_lifetime: Duration = Field(
        _POLICY.remember_lifetime, description="longest life of a remembered session, seconds"
    )
    reload_grace: Grace = Field(
        _POLICY.reload_grace, description="seconds to come back after leaving the page"
    )
    reconnect_grace: Grace = Field(
        _POLICY.reconnect_grace, description="seconds to come back after a lost connection"
    )
    max_hold: Grace = Field(_POLICY.max_hold, description="longest hold of the idle clock, seconds")
    max_sessions_per_player: int = Field(
        _POLICY.max_sessions_per_player,
        ge=1,
        description="signed-in browsers of a player; one more replaces the oldest",
    )
    max_connections: int = Field(20_000, ge=1, description="open sockets in all")
    max_connections_per_session: int = Field(20, ge=1, description="open sockets of a session")
    max_messages_per_second: float = Field(
        50.0,
        ge=0,
        allow_inf_nan=False,
        description="messages a second of a connection; 0: no limit",
    )
    allowed_origins: Words = Field(
        (),
        description="other origins whose pages may open sockets here, comma separated",
    )
    trusted_proxies: Words = Field(
        (),
        description="addresses or networks whose X-Forwarded-* headers are believed, comma "
        "separated",
    )

    @field_validator("secret_keys", "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word for word in (part.strip() for part in value.split(",")) if word)
        return value

    @field_validator("database", mode="before")
    @classmethod
    def _check_named(cls, value: Any) -> Any:
        if not str(value).strip():
            raise ValueError("it names no file; leave it out for the default")
        return str(value)

    @field_validator("max_messages_per_second")
    @classmethod
    def _check_limit(cls, rate: float) -> float:
        if 0 < rate < SLOWEST_LIMIT:
            raise ValueError(
                f"not even one message is within it; {in_digits(SLOWEST_LIMIT)} at least, or 0"
            )
        return rate

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(origin.lower() for origin in origins)
        for origin in origins:
            if not _IS_ORIGIN(origin):
                raise ValueError(f"{origin!r} is no origin; write it like https://game.example")
            scheme, _, rest = origin.partition("://")
            if rest.endswith(default := f":{DEFAULT_PORTS[scheme]}"):
                shown = origin.removesuffix(default)
                raise ValueError(f"{origin!r} is what no browser says; write {shown}")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        networks: list[Any] = []
        for proxy in proxies:
            try:
                networks.append(ipaddress.ip_network(proxy))
            except ValueError:
                raise ValueError(
                    f"{proxy!r} is neither an address nor a network; write it like 127.0.0.1 or "
                    "10.0.0.0/8"
                ) from None
        for version in (4, 6):
            of_version = [network for network in networks if network.version == version]
            if any(each.prefixlen == 0 for each in ipaddress.collapse_addresses(of_version)):
                named = ", ".join(map(str, of_version))
                raise ValueError(
                    f"{named!r} is everybody, who could then choose the address that limits count; "
                    "name the proxy"
                )
        return proxies

    @model_validator(mode="after")
    def _check_relations(self) -> Self:
        if self.warn_before >= self.idle_timeout:
            raise ValueError(
                f"{self._shown('warn_before')} must be shorter than "
                f"{self._shown('idle_timeout')}: the warning comes that long before the end"
            )
        if self.idle_timeout - self.warn_before < self.away_after - _ROUNDING:
            raise ValueError(
                f"{self._shown('away_after')} must not be later than the warning, which is due "
                f"after {in_digits(self.idle_timeout - self.warn_before)} s "
                f"({self._shown('idle_timeout')} less {self._shown('warn_before')})"
            )
        for name in ("session_lifetime", "remember_lifetime"):
            if getattr(self, name) <= self.warn_before:
                raise ValueError(
                    f"{self._shown(name)} must be longer than "
                    f"{self._shown('warn_before')}: its end is warned of too"
                )
        return self

    @property
    def policy(self) -> Policy:
        """The durations of presence."""
        return Policy(**{name: getattr(self, name) for name in Policy.__slots__})

    @property
    def oddities(self) -> list[str]:
        """Sentences about what is valid, but probably unintended."""
        odd: list[str] = []
        if self.warn_before < SHORTEST_WARNING:
            odd.append(
                f"{PREFIX}{self._shown('warn_before')} leaves players less than the "
                f"{in_digits(SHORTEST_WARNING)} s that WCAG 2.2.1 asks for"
            )
        odd.extend(
            f"{PREFIX}{self._shown(name)} is shorter than {self._shown('idle_timeout')}: such "
            "sessions end before idleness could end them"
            for name in ("session_lifetime", "remember_lifetime")
            if getattr(self, name) < self.idle_timeout
        )
        if self.host not in _OWN_HOSTS and not self.trusted_proxies:
            odd.append(
                f"{PREFIX}HOST={self.host} is reached by others without TLS, so that cookies can "
                f"be read on the way: put a proxy in front, and name it in {PREFIX}TRUSTED_PROXIES"
            )
        odd.extend(
            f"key {number} of {PREFIX}SECRET_KEYS has only {len(set(key))} different characters, "
            "and may be guessed: leave keys out to have one made"
            for number, key in enumerate(self.secret_keys, 1)
            if len(set(key)) < FEWEST_CHARACTERS
        )
        return odd

    def _shown(self, name: str) -> str:
        return f"{name.upper()}={in_digits(getattr(self, name))}"


def load_settings(**flags: Any) -> Settings:
    """Load the settings from `flags`, the environment and `.env`, in this order of precedence.

    Raises SettingsRefused.
    """
    try:
        return Settings(**flags)
    except ValidationError as error:
        raise SettingsRefused([_sentence(each) for each in error.errors()]) from None


def unknown_settings() -> list[str]:
    """Return the variables of the environment and of `.env` that have the prefix but name no
    setting."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    names = {*os.environ, *DotEnvSettingsSource(Settings).env_vars}
    return sorted({name.upper() for name in names if name.upper().startswith(PREFIX)} - known)


def _sentence(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return PREFIX + text
    name = f"{PREFIX}{str(error['loc'][0]).upper()}"
    return f"{name}={error['input']}: {text[0].lower()}{text[1:]}"
