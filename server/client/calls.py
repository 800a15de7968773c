"""HTTP calls of one browser, and its session cookie."""

import ssl
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from server.base.decoding import BROKEN
from server.client.address import Address
from server.client.errors import CallRefused, Unreachable
from server.client.http import Response, exchange
from server.client.limits import Limits
from server.wire.names import COOKIE, COOKIE_BY_TLS, JSON, PASSIVE

T = TypeVar("T")


class Calls:
    """Makes calls, and keeps the session cookie that they set.

    `cookie` is that of an earlier session, as in `Calls.cookie`: a `name=value`. `tls` is for
    https; sharing one between clients saves the time to load the CA certificates.
    """

    def __init__(
        self,
        address: Address,
        *,
        cookie: str = "",
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self.address = address
        self.cookie = cookie
        self._limits = limits
        self._tls = tls
        if tls is None and address.scheme == "https":
            self._tls = ssl.create_default_context()

    async def get(self, path: str, answer: type[T], **query: object) -> T:
        """Make a passive GET, which does not count as activity. See `call`; parameters that are
        None are left out."""
        chosen = {name: value for name, value in query.items() if value is not None}
        if chosen:
            path = f"{path}?{urlencode(chosen)}"
        return await self.call("GET", path, answer, passive=True)

    async def call(
        self, method: str, path: str, answer: type[T], *, body: object = None, passive: bool = False
    ) -> T:
        """Make one call; return its answer, converted to the type `answer`.

        Raises CallRefused, or Unreachable if no Still Here server answered. Cancelling drops the
        connection; the server may have done the call nevertheless.
        """
        headers = [(PASSIVE, "1")] if passive else []
        if self.cookie:
            headers.append(("Cookie", self.cookie))
        content = b""
        if body is not None:
            headers.append(("Content-Type", JSON))
            content = msgspec.json.encode(body)
        response = await exchange(
            self.address, method, path, headers, content, tls=self._tls, limits=self._limits
        )
        self._keep_cookie(response)
        if 200 <= response.status < 300:
            return self._answer(path, response, answer)
        raise self._refusal(path, response)

    def _keep_cookie(self, response: Response) -> None:
        for name, header in response.headers:
            pair = header.partition(";")[0].strip()
            key, _, value = pair.partition("=")
            if name == "set-cookie" and key in (COOKIE, COOKIE_BY_TLS):
                self.cookie = pair if value.strip('"') else ""

    def _answer(self, path: str, response: Response, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(response.body or b"null", type=answer)
        except BROKEN as error:
            raise Unreachable(
                f"{self.address.url}{path} was answered by something else than a Still Here "
                f"server: {error}"
            ) from None

    def _refusal(self, path: str, response: Response) -> CallRefused | Unreachable:
        try:
            details: Any = msgspec.json.decode(response.body)
        except BROKEN:
            details = None
        if not isinstance(details, dict) or "code" not in details:
            # A proxy in between answers with a page of its own.
            return Unreachable(f"{self.address.url}{path} was answered with {response.status}")
        try:
            retry_after = float(response.header("retry-after") or "")
        except ValueError:
            retry_after = None
        return CallRefused(response.status, details, retry_after)
