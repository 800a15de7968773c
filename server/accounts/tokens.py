"""Session tokens: what the cookie contains, and what the server keeps of it.

The cookie is 256 random bits signed with itsdangerous (HMAC-SHA-256). It contains no name, no
activity and no time: only the server's record decides whether a session lives, so steps of the wall
clock change nothing. The server keeps only a digest, from which no cookie can be made.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from itsdangerous import BadSignature, Signer, want_bytes
from itsdangerous.signer import SigningAlgorithm

_SALT = "stillhere.session"
_BYTES = 32
"""Of a secret: 256 bits. Not configurable: the form of cookies depends on it (`_SPELLING`)."""

_LONGEST = 512
"""Characters of a cookie that is checked; ours have 87."""

# The last character of a signature has two unused bits, and base64 decoders accept padding: a
# cookie modified there would still verify. In ours these bits are 0.
_SPELLING = re.compile(r"[^.]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class Token(NamedTuple):
    """A new token: the client gets the signed `cookie`, the server keeps the `digest`."""

    cookie: str
    digest: bytes


class _Hmac(SigningAlgorithm):
    """HMAC-SHA-256 that copies the state after a key, which takes half as long as starting anew."""

    def __init__(self) -> None:
        self._after: dict[bytes, hmac.HMAC] = {}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        after = self._after.get(key)
        if after is None:
            after = self._after[key] = hmac.new(key, digestmod=hashlib.sha256)
        state = after.copy()
        state.update(value)
        return state.digest()


class _Signer(Signer):
    """Derives each key once, not once a cookie, which would take half the time of checking one."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous expects the oldest first.
        oldest_first = list(reversed(keys))
        super().__init__(
            oldest_first,
            salt=_SALT,
            key_derivation="hmac",
            digest_method=hashlib.sha256,
            algorithm=_Hmac(),
        )
        self._derived = {key: super(_Signer, self).derive_key(key) for key in self.secret_keys}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        key = self.secret_keys[-1] if secret_key is None else want_bytes(secret_key)
        return self._derived[key]


class SessionTokens:
    """Creates and reads cookies. `keys`: newest first; the newest signs, all verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._signer = _Signer(keys)

    def mint(self) -> Token:
        """Return a new token."""
        secret = secrets.token_urlsafe(_BYTES)
        return Token(self._signer.sign(secret).decode(), _digest(secret.encode()))

    def read(self, cookie: str) -> bytes | None:
        """Return the digest of the token in `cookie`; None unless one of the keys signed it."""
        if len(cookie) > _LONGEST or not _SPELLING.fullmatch(cookie):
            return None
        try:
            return _digest(self._signer.unsign(cookie))
        except BadSignature:
            return None


def _digest(secret: bytes) -> bytes:
    # The secret has 256 random bits: a slow or salted hash would add nothing.
    return hashlib.sha256(secret).digest()
