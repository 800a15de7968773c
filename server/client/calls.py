"""The HTTP calls of one browser, and its session cookie."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from server.client.address import Address
from server.client.errors import CallRefused, Unreachable
from server.client.limits import Limits

T = TypeVar("T")

_COOKIES = ("session", "__Host-session")


class Calls:
    """Makes calls, and keeps the session cookie that they set. An async context manager.

    `cookie` is a `name=value` of an earlier session, as `Calls.cookie` had it. `tls` is for https;
    clients that share one save the time it takes to read the certificates of the authorities.
    """

    def __init__(
        self,
        address: Address,
        *,
        cookie: str = "",
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.address = address
        self.cookie = cookie
        self._http = httpx.AsyncClient(
            base_url=address.url,
            verify=tls if tls is not None else address.scheme == "https",
            timeout=limits.call_within,
            # A call every few minutes: a kept connection would be closed by the server before the
            # next one, and a call that meets the close in flight cannot be repeated.
            limits=httpx.Limits(max_keepalive_connections=0),
            # The cookie belongs to this browser also when the jar would think otherwise, and the
            # WebSocket sends it too.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Release the connections."""
        await self._http.aclose()

    async def get(self, path: str, answer: type[T], **query: object) -> T:
        """A passive GET, which is no activity of the player. See `call`; a parameter that is None
        is left out."""
        chosen = {name: str(value) for name, value in query.items() if value is not None}
        if chosen:
            path = f"{path}?{httpx.QueryParams(chosen)}"
        return await self.call("GET", path, answer, passive=True)

    async def call(
        self, method: str, path: str, answer: type[T], *, body: object = None, passive: bool = False
    ) -> T:
        """Make one call; returns its answer, converted to the type `answer`.

        Raises CallRefused, or Unreachable where no Still Here server answered. Cancelling drops the
        connection; the server may have carried the call out all the same.
        """
        headers = {"Passive": "1"} if passive else {}
        if self.cookie:
            headers["Cookie"] = self.cookie
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        elif method != "GET":
            headers["Content-Length"] = "0"
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
        except httpx.TimeoutException:
            raise Unreachable(f"{self.address.url} did not answer in time") from None
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"{self.address.url} cannot be reached: {why}") from None
        self._keep_cookie(response)
        if response.is_success:
            return self._answer(response, answer)
        raise self._refusal(response)

    def _keep_cookie(self, response: httpx.Response) -> None:
        for header in response.headers.get_list("set-cookie"):
            pair = header.partition(";")[0].strip()
            name, _, value = pair.partition("=")
            if name in _COOKIES:
                self.cookie = pair if value.strip('"') else ""

    def _answer(self, response: httpx.Response, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content or b"null", type=answer)
        except msgspec.DecodeError as error:
            raise Unreachable(
                f"{response.url} was answered by something else than a Still Here server: {error}"
            ) from None

    def _refusal(self, response: httpx.Response) -> CallRefused | Unreachable:
        try:
            details: Any = msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            details = None
        if not isinstance(details, dict) or "code" not in details:
            # A proxy in between answers with a page of its own.
            return Unreachable(f"{response.url} was answered with {response.status_code}")
        try:
            retry_after = float(response.headers["Retry-After"])
        except (KeyError, ValueError):
            retry_after = None
        return CallRefused(response.status_code, details, retry_after)
