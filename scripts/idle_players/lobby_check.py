"""Checks the consistency of the lobby as one watcher sees it. Pure."""

from server.wire.messages import Presence, Roster

PlayerId = str


class LobbyCheck:
    """Applies rosters and diffs, and records contradictions in `faults`.

    The contract: a topic's `version` grows by one a message, and after a gap there is a roster. A
    roster of a large lobby lists only the first; then not all players are known.
    """

    def __init__(self) -> None:
        self.joined: dict[PlayerId, list[float]] = {}
        self.left: dict[PlayerId, list[float]] = {}
        """The instants at which a player joined, and left."""
        self.faults: list[str] = []
        self.is_blind = False
        """True if players may have left without this watcher being told which."""
        self._statuses: dict[PlayerId, str] = {}
        self._version: int | None = None
        self._knows_everybody = False

    def __len__(self) -> int:
        return len(self._statuses)

    def apply(self, message: Roster | Presence, at: float) -> set[PlayerId]:
        """Apply a `roster` or `presence` message; return the players who left by it."""
        if isinstance(message, Roster):
            return self._apply_roster(message, at)
        return self._apply_diff(message, at)

    def _apply_roster(self, roster: Roster, at: float) -> set[PlayerId]:
        statuses = {str(player.id): str(player.status) for player in roster.players}
        is_whole = len(statuses) == roster.total
        left: set[PlayerId] = set()
        if self._version is not None:
            # Some diffs were skipped. Players missing from a complete roster left meanwhile.
            if is_whole:
                left = set(self._statuses.keys() - statuses.keys())
            else:
                self.is_blind = True
            if roster.version < self._version:
                self._fault(f"went back from version {self._version} to {roster.version}")
        for id in statuses.keys() - self._statuses.keys():
            self.joined.setdefault(id, []).append(at)
        for id in left:
            self.left.setdefault(id, []).append(at)
        self._statuses = statuses
        self._version = roster.version
        self._knows_everybody = is_whole
        return left

    def _apply_diff(self, diff: Presence, at: float) -> set[PlayerId]:
        version = diff.version
        if self._version is None:
            self._fault(f"sent version {version} before any roster")
        elif version != self._version + 1:
            self._fault(f"went from version {self._version} to {version} without a roster")
        self._version = version
        for player in diff.joined:
            if player.id in self._statuses:
                self._fault(f"said that {player.name} joined, who was there (version {version})")
            self._statuses[player.id] = player.status
            self.joined.setdefault(player.id, []).append(at)
        for change in diff.changed:
            if self._knows_everybody and change.id not in self._statuses:
                self._fault(f"changed {change.id}, who was not there (version {version})")
            else:
                self._statuses[change.id] = change.status
        for id in diff.left:
            if self._statuses.pop(id, None) is None and self._knows_everybody:
                self._fault(f"said that {id} left, who was not there (version {version})")
            self.left.setdefault(id, []).append(at)
        if self._knows_everybody and diff.total != len(self._statuses):
            self._fault(
                f"counted {diff.total} at version {version}, where {len(self._statuses)} are"
            )
            self._knows_everybody = False  # enough once
        return set(map(str, diff.left))

    def _fault(self, what: str) -> None:
        self.faults.append(f"the lobby {what}")
