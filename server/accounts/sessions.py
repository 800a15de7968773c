"""Opening sessions, and finding them by cookie."""

from collections.abc import Iterable
from contextlib import suppress

from server.accounts.limits import Limits
from server.accounts.ports import NewSession, SessionStore, StorageUnavailable
from server.accounts.tokens import SessionTokens
from server.base.ids import PlayerId, SessionId, new_session_id
from server.presence.events import SessionEnded
from server.presence.service import PresenceService
from server.presence.session import UNKNOWN_DEVICE, Device, Player, Session
from server.presence.status import Reason


class Sessions:
    """The sessions by their tokens. Subscribes to the events of presence."""

    def __init__(
        self,
        presence: PresenceService,
        tokens: SessionTokens,
        store: SessionStore,
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._presence = presence
        self._tokens = tokens
        self._store = store
        self._by_digest: dict[bytes, Session] = {}
        self._digests: dict[SessionId, bytes] = {}
        # Why the latest sessions ended; the database has all of them, a little later.
        self._endings: dict[bytes, Reason] = {}

    def open(
        self,
        player: Player,
        at: float | None = None,
        *,
        remember: bool = False,
        device: Device = UNKNOWN_DEVICE,
        replaces: SessionId | None = None,
    ) -> tuple[Session, str]:
        """Sign `player` in; return the session and its cookie. `replaces`: a session to end first,
        so that it does not count towards the player's number of sessions.

        Await `flush` before sending the cookie, as a crash could lose the session otherwise.
        """
        at = self._presence.clock.now() if at is None else at
        if replaces is not None:
            self._presence.end(replaces, Reason.REPLACED, at)
        token = self._tokens.mint()

        def note(session: Session) -> None:
            self.add(session, token.digest)
            self._store.add_session(NewSession.of(session, token.digest))

        session = self._presence.sign_in(
            player, new_session_id(), at, remember=remember, device=device, before_publishing=note
        )
        return session, token.cookie

    @property
    def is_full(self) -> bool:
        """True while too much waits for the disk to open a session."""
        return self._store.is_full

    def add(self, session: Session, digest: bytes) -> None:
        """Add a session by the digest of its token; for those that an earlier process opened."""
        self._by_digest[digest] = session
        self._digests[session.id] = digest

    def find_live(self, cookie: str | None) -> Session | None:
        """Return the live session of `cookie`, if there is one."""
        return self._look_up(cookie)[1]

    async def find(self, cookie: str | None) -> Session | Reason | None:
        """Return the session of `cookie`, or the reason why it ended; None if the cookie is not one
        of this server's."""
        digest, session = self._look_up(cookie)
        if digest is None or session is not None:
            return session
        ending = self._endings.get(digest)
        if ending is not None:
            # Durable before it is answered: a crash must not bring back a session that was reported
            # as ended.
            await self.flush()
            return ending
        try:
            return await self._store.find_ending(digest)
        except StorageUnavailable:
            # All live sessions are in memory: this one has ended, for an unknown reason.
            return None

    async def owner_of(self, cookie: str | None) -> PlayerId | None:
        """Return the player whose session `cookie` names, or named before it ended; None if it is
        not one of this server's, or the disk does not answer."""
        digest, session = self._look_up(cookie)
        if session is not None:
            return session.player.id
        if digest is not None:
            with suppress(StorageUnavailable):
                return await self._store.find_owner(digest)
        return None

    async def end(self, ids: Iterable[SessionId], reason: Reason, at: float | None = None) -> None:
        """End the sessions with these ids; returns when that is durable.

        Raises StorageUnavailable if that fails; in memory they have ended then.
        """
        ids = list(ids)
        for id in ids:
            self._presence.end(id, reason, at)
        if reason is Reason.REPLACED:
            # The caller wants the new session: it opens even if this end is not durable.
            await self.flush()
        else:
            await self._store.secure_endings(ids)

    def _look_up(self, cookie: str | None) -> tuple[bytes | None, Session | None]:
        """Return the digest of the token in `cookie` if it is one of ours, and its live session if
        there is one."""
        digest = None if cookie is None else self._tokens.read(cookie)
        return digest, None if digest is None else self._by_digest.get(digest)

    async def flush(self) -> None:
        """Wait, for a limited time, until all sessions opened or ended so far are durable. If the
        disk fails, return; a crash may then lose a session that was opened."""
        with suppress(StorageUnavailable):
            await self._store.secure_endings()

    def hear(self, event: SessionEnded) -> None:
        """Subscriber: drop the token of a session that ended, and keep the reason."""
        digest = self._digests.pop(event.session_id, None)
        if digest is None:
            return
        del self._by_digest[digest]
        self._endings[digest] = event.reason
        if len(self._endings) > self._limits.remembered_endings:
            del self._endings[next(iter(self._endings))]
