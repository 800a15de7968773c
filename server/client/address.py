"""The address of a server."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from server.base.schemes import DEFAULT_PORTS
from server.wire.names import SOCKET_PATH


@dataclass(frozen=True, slots=True)
class Address:
    """A server's base URL, in parts. `path` is added by a reverse proxy, without a trailing
    slash."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse an http or https URL. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(
                f"{url!r} is not the address of a server; write it like http://127.0.0.1:8000"
            )
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL to which the paths of calls are appended."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def socket_url(self) -> str:
        """The URL of the WebSocket."""
        scheme = "wss" if self.scheme == "https" else "ws"
        return f"{scheme}://{self.netloc}{self.path}{SOCKET_PATH}"
