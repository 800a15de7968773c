"""Session tokens: what the cookie holds, and what of it the server keeps.

The cookie is 256 random bits signed with itsdangerous (HMAC-SHA-256). It carries no name, no
activity and no clock: the server's record alone decides whether a session lives, so a wall-clock
step or a stolen clock changes nothing. The server keeps only a digest, from which no
cookie can be made.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from itsdangerous import BadSignature, Signer, want_bytes

_SALT = "stillhere.session"
_BYTES = 32
"""Of a secret: 256 bits. No limit: what cookies look like depends on it (`_SPELLING`)."""

_LONGEST = 512
"""Characters of a cookie worth checking; ours have 87. No limit: none of ours is longer."""

# The signature's last character has two bits that nothing depends on, and base64 decoders take
# padding: a cookie that was tampered with there would still be good. Of ours these bits are 0.
_SPELLING = re.compile(r"[^.]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class Token(NamedTuple):
    """A freshly minted token: the signed `cookie` goes out, the `digest` is kept."""

    cookie: str
    digest: bytes


class _Signer(Signer):
    """Derives each key once, not for each cookie: that is half of what it takes to check one."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous wants the oldest first.
        oldest_first = list(reversed(keys))
        super().__init__(
            oldest_first, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._derived = {key: super(_Signer, self).derive_key(key) for key in self.secret_keys}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        key = self.secret_keys[-1] if secret_key is None else want_bytes(secret_key)
        return self._derived[key]


class SessionTokens:
    """Mints and reads cookies. `keys`: newest first; the newest signs, all verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._signer = _Signer(keys)

    def mint(self) -> Token:
        """A token that never was and cannot be guessed."""
        secret = secrets.token_urlsafe(_BYTES)
        return Token(self._signer.sign(secret).decode(), _digest(secret.encode()))

    def read(self, cookie: str) -> bytes | None:
        """The digest of the token in `cookie`; None unless one of our keys has signed it."""
        if len(cookie) > _LONGEST or not _SPELLING.fullmatch(cookie):
            return None
        try:
            return _digest(self._signer.unsign(cookie))
        except BadSignature:
            return None


def _digest(secret: bytes) -> bytes:
    # The secret has 256 random bits: nothing is gained by a slow or salted hash.
    return hashlib.sha256(secret).digest()
