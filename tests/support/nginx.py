"""The `stillhere` command behind a real nginx with `docs/nginx.conf`, over TLS."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from scripts.server_process import COMMAND, TIMEOUT, environment
from tests.support.forks import FORKS, Fork, Start
from tests.support.paths import ROOT

CONFIGURATION = ROOT / "docs" / "nginx.conf"
SHORT = 2.0
"""Seconds, in place of nginx's limits for plain requests."""

MOST_SOCKETS = 8
"""In place of the limit of sockets by address."""

MOST_REQUESTS = 40
"""In place of the requests that an address may send at once; after that it has one a second."""

ADDRESS = "X-Test-Address"
"""A header with the address of a visitor, so that a test can have several: nginx trusts it."""


def find(command: str) -> str:
    """The path of a program. Raises AssertionError with advice if there is none."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(command, path=path)
    assert found is not None, (
        f"there is no {command}, which the tests of docs/nginx.conf need: install it "
        "(Debian: apt-get install nginx openssl)"
    )
    return found


class Site:
    """nginx, the server behind it, and clients for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https, self.backend, *rest = free_ports(6)
        self._ipv6 = rest
        self._visitors = 0
        self._server: Fork | None = None
        self._nginx: subprocess.Popen[bytes] | None = None
        self._make_certificate()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    def trust(self) -> ssl.SSLContext:
        """A context that trusts the certificate; a new one for each, as httpx changes it."""
        return ssl.create_default_context(cafile=self.folder / "fullchain.pem")

    # Starting and stopping

    def start(self) -> None:
        """Start both, and wait until they listen."""
        self.start_server()
        path = self.folder / "nginx.conf"
        path.write_text(self.configuration())
        with (self.folder / "nginx.stderr").open("wb") as log:
            self._nginx = subprocess.Popen(
                [find("nginx"), "-p", str(self.folder), "-c", str(path), "-g", "daemon off;"],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        give_up = time.monotonic() + TIMEOUT
        while not is_open(self.https):
            said = (self.folder / "nginx.stderr").read_text()
            assert self._nginx.poll() is None, said
            assert time.monotonic() < give_up, said
            time.sleep(0.02)

    def start_server(self) -> None:
        """Start the server alone, on its port and database."""
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as stdout, (self.folder / "server.stderr").open("ab") as log:
            try:
                start = Start(
                    [*COMMAND, f"--port={self.backend}"],
                    str(self.folder),
                    environment() | {"STILLHERE_TRUSTED_PROXIES": "127.0.0.1"},
                )
                self._server = FORKS.start(start, stdout=writing, stderr=log.fileno())
            finally:
                os.close(writing)
            line = stdout.readline()
        assert line.startswith(b"Still Here"), (self.folder / "server.stderr").read_text()

    def stop_server(self, with_signal: int = signal.SIGTERM) -> int:
        """Stop the server alone; return its exit code."""
        assert self._server is not None
        self._server.send_signal(with_signal)
        code = self._server.wait_blocking(TIMEOUT)
        self._server = None
        return code

    def stop(self) -> None:
        """Stop both, in any state."""
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait(TIMEOUT)
        if self._server is not None:
            self.stop_server()

    def configuration(self) -> str:
        """`docs/nginx.conf` with other places and shorter times."""
        one, two = self._ipv6[:2]
        folder = self.folder
        return substitute(
            CONFIGURATION.read_text(),
            {
                "play.example": "localhost",
                "/run/nginx.pid": f"{folder}/nginx.pid",
                "/var/log/nginx/": f"{folder}/",
                "/etc/ssl/stillhere/": f"{folder}/",
                "server 127.0.0.1:8000": f"server 127.0.0.1:{self.backend}",
                # The machine may not have IPv6.
                "listen [::]:80": f"listen 127.0.0.1:{one}",
                "listen [::]:443": f"listen 127.0.0.1:{two}",
                "listen 80": f"listen 127.0.0.1:{self.http}",
                "listen 443": f"listen 127.0.0.1:{self.https}",
                # Short, so that tests see them.
                "client_header_timeout 10s": f"client_header_timeout {SHORT:g}s",
                "client_body_timeout 10s": f"client_body_timeout {SHORT:g}s",
                "send_timeout 10s": f"send_timeout {SHORT:g}s",
                "keepalive_timeout 30s": f"keepalive_timeout {SHORT:g}s",
                "proxy_read_timeout 30s": f"proxy_read_timeout {SHORT:g}s",
                "limit_conn connections 300": f"limit_conn connections {MOST_SOCKETS}",
                "zone=requests:10m rate=100r/s": "zone=requests:10m rate=1r/s",
                "zone=requests burst=500": f"zone=requests burst={MOST_REQUESTS}",
                # Of the wider networks: twice as much, and three times.
                "limit_conn connections_56 2400": f"limit_conn connections_56 {2 * MOST_SOCKETS}",
                "limit_conn connections_48 4800": f"limit_conn connections_48 {3 * MOST_SOCKETS}",
                "zone=requests_56:10m rate=800r/s": "zone=requests_56:10m rate=1r/s",
                "zone=requests_48:10m rate=1600r/s": "zone=requests_48:10m rate=1r/s",
                "zone=requests_56 burst=4000": f"zone=requests_56 burst={2 * MOST_REQUESTS}",
                "zone=requests_48 burst=8000": f"zone=requests_48 burst={3 * MOST_REQUESTS}",
                # All files of this run in its folder, and several visitors in one test.
                "http {": "\n    ".join(
                    [
                        "http {",
                        *(
                            f"{name}_temp_path {folder}/{name};"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
                        ),
                        "set_real_ip_from 127.0.0.1;",
                        f"real_ip_header {ADDRESS};",
                    ]
                ),
            },
        )

    def _make_certificate(self) -> None:
        subprocess.run(
            [find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost",
             "-keyout", str(self.folder / "privkey.pem"),
             "-out", str(self.folder / "fullchain.pem")],
            check=True, capture_output=True,
        )  # fmt: skip

    # Visiting

    def visitor(self, address: str = "", **options: Any) -> httpx.AsyncClient:
        """A browser at `address`; by default at an address of its own."""
        self._visitors += 1
        elsewhere = f"192.0.2.{self._visitors}"
        headers = {ADDRESS: address or elsewhere} | options.pop("headers", {})
        return httpx.AsyncClient(
            base_url=self.url, verify=self.trust(), headers=headers, timeout=TIMEOUT, **options
        )

    def socket(
        self, cookie: str, *, origin: str | None = "", headers: Mapping[str, str] | None = None
    ) -> connect:
        """A socket with this cookie, from a page of this site unless `origin` says otherwise."""
        sent = {"Cookie": f"__Host-session={cookie}"} if cookie else {}
        if origin is not None:
            sent["Origin"] = origin or self.url
        return connect(
            f"wss://localhost:{self.https}/ws",
            host="127.0.0.1",
            ssl=self.trust(),
            additional_headers=sent | dict(headers or {}),
            compression=None,
            ping_interval=None,
            proxy=None,
        )

    def raw(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A bare TLS connection, for invalid requests."""
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=TIMEOUT)
        return (context or self.trust()).wrap_socket(plain, server_hostname="localhost")

    def ask_server(self, path: str) -> httpx.Response:
        """Ask the server directly, as the operator does."""
        return httpx.get(f"http://127.0.0.1:{self.backend}{path}", timeout=TIMEOUT, verify=False)


async def hear(tab: ClientConnection, type: str) -> dict[str, Any]:
    """The next message of this type."""
    while True:
        message = json.loads(await tab.recv())
        if message["type"] == type:
            assert isinstance(message, dict)
            return message


def substitute(text: str, changes: Mapping[str, str]) -> str:
    """`text` with every key replaced by its value; each key has to be there."""
    for key in changes:
        assert key in text, f"docs/nginx.conf no longer says {key!r}"
    pattern = "|".join(re.escape(key) for key in sorted(changes, key=len, reverse=True))
    return re.sub(pattern, lambda match: changes[match[0]], text)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that are free."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    except OSError:
        return False
    return True


@contextmanager
def run_site(folder: Path) -> Iterator[Site]:
    """Run nginx and the server until the context ends."""
    site = Site(folder)
    try:
        site.start()
        yield site
    finally:
        site.stop()
