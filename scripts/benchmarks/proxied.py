"""The cost of a connect for the server behind nginx, compared with a direct one.

nginx has the block for sockets of `docs/nginx.conf`, without TLS and without its limits by address:
all players of a benchmark have the same one.
"""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benchmarks import targets
from scripts.benchmarks.children import MeasurementError, Served, still_here
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import pin, processor_seconds, split_processors
from scripts.benchmarks.players import Socket, open_sockets, sign_in
from server.wire.names import COOKIE, COOKIE_BY_TLS

_PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "nginx.conf"
_START = 10.0

# The published configuration, with other files and another port.
_CONFIGURATION = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {maps}
    upstream stillhere_sockets {{ server 127.0.0.1:{backend}; }}
    server {{
        listen 127.0.0.1:{port} reuseport;
        proxy_http_version 1.1;
        {sockets}
    }}
}}
"""


async def proxied(scale: Scale) -> list[Row]:
    """Row: the server's CPU a connect through nginx; the baseline is one without it."""
    count = scale.proxied
    with still_here(trusted_proxies="127.0.0.1", max_connections=2 * count + 10) as server:
        cookies = await sign_in(server.port, 2 * count)
        with _nginx(server.port) as port:
            # nginx forwards `X-Forwarded-Proto: https`.
            behind_tls = [
                cookie.replace(f"{COOKIE}=", f"{COOKIE_BY_TLS}=", 1) for cookie in cookies[:count]
            ]
            through, rate = await _connect(server, port, behind_tls)
        straight, straight_rate = await _connect(server, server.port, cookies[count:])
    return [
        Row(
            f"server CPU a connect through nginx, {count:,} one after the other",
            [targets.PROXIED_CONNECT.check(through / straight)],
            f"{through * 1e6:.0f} us",
            f"{straight * 1e6:.0f} us",
            through / straight,
            [f"the client made {rate:,.0f}/s, without nginx {straight_rate:,.0f}/s"],
            {"through": through, "straight": straight},
        )
    ]


async def _connect(served: Served, port: int, cookies: list[str]) -> tuple[float, float]:
    """Return CPU seconds a connect, and connects a second."""
    before, began = processor_seconds(served.pid), time.perf_counter()
    sockets = await open_sockets(port, Socket, cookies)
    cost = (processor_seconds(served.pid) - before) / len(cookies)
    rate = len(cookies) / (time.perf_counter() - began)
    for each in sockets:
        each.leave()
    return cost, rate


@contextmanager
def _nginx(backend: int) -> Iterator[int]:
    """Run nginx before `backend`, on the client's processor; yield its port."""
    command = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if command is None:
        raise MeasurementError("there is no nginx (Debian: apt-get install nginx)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with TemporaryDirectory(prefix="stillhere-bench-") as folder:
        path = Path(folder, "nginx.conf")
        path.write_text(
            _CONFIGURATION.format(folder=folder, port=port, backend=backend, **_published())
        )
        with subprocess.Popen(
            [command, "-p", folder, "-c", path, "-g", "daemon off;"], stderr=subprocess.PIPE
        ) as process:
            try:
                pin(process.pid, split_processors()[1])
                _wait_until_it_listens(process, port)
                yield port
            finally:
                process.terminate()


def _published() -> dict[str, str]:
    """Return the parts of the published configuration for sockets."""
    text = _PUBLISHED.read_text()
    maps = re.findall(r"map \S*(?:\$server_protocol|\$upgrade)\S* .*?\n    \}", text, re.DOTALL)
    (sockets,) = re.findall(r"location = /ws \{.*?\n        \}", text, re.DOTALL)
    return {
        "maps": "\n".join(maps),
        "sockets": re.sub(r"limit_req .*;", "", sockets).replace("$scheme", "https"),
    }


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    said = process.communicate()[1].decode(errors="replace")
    raise MeasurementError(f"nginx did not start: {said.strip() or 'it said nothing'}")
