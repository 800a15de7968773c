"""The `stillhere` command as a person meets it: a real process, real signals, one-line answers."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("STILLHERE_")
} | {"PYTHONPATH": str(ROOT)}
PATIENCE = 20


@asynccontextmanager
async def running(
    folder: Path, *flags: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A server of its own process; yields it with its address. Ended, whatever happens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "--port", "0", *flags,
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        match = re.fullmatch(rb"Still Here \S+ on (http://\S+)\n", line)
        assert match is not None, (line, await process.communicate())
        yield process, match[1].decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def run(folder: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "server", *flags],
        cwd=folder, env=ENVIRONMENT | variables, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that explains the end; log lines about other things may stand before it."""
    *_, last = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    return last


async def sign_in(url: str, name: str) -> str:
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/api/guests", json={"name": name})
        assert response.status_code == 201
        return client.cookies["session"]


async def status(url: str, cookie: str) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=url, cookies={"session": cookie}) as client:
        response = await client.get("/api/session")
        body = response.json()
        return response.status_code, body["code"] if "code" in body else body["player"]["status"]


async def test_a_stop_says_1012_to_everybody_and_ends_with_0(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, url):
        cookie = await sign_in(url, "Ada")
        address = url.replace("http", "ws") + "/ws"
        async with connect(address, additional_headers={"Cookie": f"session={cookie}"}) as tab:
            assert json.loads(await tab.recv())["type"] == "hello"
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(tab.wait_closed(), PATIENCE)
            assert tab.close_code == 1012
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        assert process.stderr is not None
        assert b"Traceback" not in await process.stderr.read()
    async with running(tmp_path) as (_, url):
        assert await status(url, cookie) == (200, "reconnecting")


async def test_a_kill_costs_nobody_their_session(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, url):
        stays, leaves = await sign_in(url, "Ada"), await sign_in(url, "Bob")
        async with httpx.AsyncClient(base_url=url, cookies={"session": leaves}) as client:
            assert (await client.delete("/api/session")).status_code == 204
        process.kill()
        await process.wait()
    async with running(tmp_path) as (_, url):
        assert await status(url, stays) == (200, "reconnecting")
        assert await status(url, leaves) == (401, "signed_out")


async def test_a_second_server_on_the_database_is_refused_in_one_line(tmp_path: Path) -> None:
    async with running(tmp_path):
        done = await asyncio.to_thread(run, tmp_path, "--port", "0")
    assert done.returncode == 1
    assert said(done).startswith("stillhere: another Still Here is running on stillhere.db")


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert said(done) == (
        f"stillhere: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "choose another with --host or --port"
    )


def test_a_setting_that_makes_no_sense_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--warn-before", "400")
    assert done.returncode == 2
    assert said(done).startswith("stillhere: STILLHERE_WARN_BEFORE=400 must be shorter than")
    assert list(tmp_path.iterdir()) == [], "nothing was made before the settings were read"


def test_a_database_in_a_folder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--port", "0", "--database", "no/where.db")
    assert done.returncode == 1
    assert "No such file or directory" in said(done)


def test_what_is_allowed_but_perhaps_not_meant_is_logged(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(tmp_path, "--port", port, "--warn-before", "5", STILLHERE_IDLE_TIMOUT="3")
    assert "STILLHERE_WARN_BEFORE=5 leaves players less than the 20 s" in done.stderr
    assert "STILLHERE_IDLE_TIMOUT is no setting" in done.stderr


def test_the_command_explains_every_setting(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "--idle-timeout TIMEOUT" in done.stdout
    assert run(tmp_path, "--version").stdout.startswith("Still Here ")


async def test_uvicorn_runs_the_application_and_is_told_what_it_was_not(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "--factory", "server.app:create_app", "--port", "0",
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        heard = ""
        while "Uvicorn running on" not in heard:
            heard += (await asyncio.wait_for(process.stderr.readline(), PATIENCE)).decode()
        assert "the `stillhere` command would have set: --ws websockets-sansio" in heard
        assert "--ws-per-message-deflate false" in heard
        assert "--no-proxy-headers" in heard
        match = re.search(r"http://127\.0\.0\.1:\d+", heard)
        assert match is not None
        assert await status(match[0], await sign_in(match[0], "Ada")) == (200, "active")
        process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def test_uvicorn_does_not_start_with_settings_that_make_no_sense(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "--factory", "server.app:create_app", "--port", "0"],
        cwd=tmp_path, env=ENVIRONMENT | {"STILLHERE_WARN_BEFORE": "400"}, capture_output=True,
        text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert said(done).startswith("stillhere: STILLHERE_WARN_BEFORE=400 must be shorter than")
