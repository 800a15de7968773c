"""The durations that the rules of presence depend on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations in seconds. `server/settings.py` refuses those that contradict each other."""

    away_after: float = 120.0
    warn_before: float = 60.0
    idle_timeout: float = 300.0
    session_lifetime: float = 43_200.0
    remember_lifetime: float = 1_209_600.0
    reload_grace: float = 5.0
    reconnect_grace: float = 30.0
    max_hold: float = 600.0
    max_sessions_per_player: int = 10
