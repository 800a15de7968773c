"""The `stillhere` command as users run it: a real process, real signals, one-line messages.

One test of each kind starts the real command; the others fork it, and run the same code.
"""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from scripts.server_process import TIMEOUT
from server.base.waiting import within
from tests.support.process import UVICORN, last_line, run, running, running_uvicorn


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


WITH_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


async def test_a_stop_closes_every_socket_with_1012_and_exits_with_0(tmp_path: Path) -> None:
    async with running(tmp_path, is_fork=False) as server:
        cookie = await server.sign_in("Ada")
        async with server.tab(cookie) as tab:
            server.send(signal.SIGTERM)
            assert await within(TIMEOUT, tab.closed()) == (1012, [])
        assert await server.wait() == 0
        assert "Traceback" not in server.log()
    async with running(tmp_path) as server:
        assert await server.status(cookie) == (200, "reconnecting")


async def test_sessions_survive_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        stays, leaves = await server.sign_in("Ada"), await server.sign_in("Bob")
        async with server.visitor(leaves) as client:
            assert (await client.delete("/api/session")).status_code == 204
        assert await server.stop(signal.SIGKILL) == -signal.SIGKILL
    async with running(tmp_path) as server:
        assert await server.status(stays) == (200, "reconnecting")
        assert await server.status(leaves) == (401, "signed_out")


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "--port", str(port), is_fork=False)
    assert done.returncode == 1
    assert last_line(done) == (
        f"stillhere: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "choose another with --host or --port"
    )


async def test_the_printed_address_can_be_opened_whatever_is_listened_on(tmp_path: Path) -> None:
    async with running(tmp_path, "--host", "0.0.0.0") as server:
        assert server.url == f"http://127.0.0.1:{httpx.URL(server.url).port}"
        async with httpx.AsyncClient(verify=False) as client:
            assert (await client.get(f"{server.url}/healthz")).status_code == 200


@WITH_IPV6
async def test_the_wildcard_address_listens_on_ipv4_and_ipv6(tmp_path: Path) -> None:
    async with running(tmp_path, "--host", "::") as server:
        port = httpx.URL(server.url).port
        assert server.url == f"http://[::1]:{port}"
        for host in ("127.0.0.1", "[::1]"):
            async with httpx.AsyncClient(verify=False) as client:
                response = await client.get(f"http://{host}:{port}/healthz")
                assert response.status_code == 200


@WITH_IPV6
def test_the_wildcard_address_fails_if_one_family_has_the_port_taken(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "--host", "::", "--port", str(port))
    assert done.returncode == 1
    assert last_line(done).startswith(f"stillhere: cannot listen on 0.0.0.0 port {port}: Address")


def test_an_invalid_setting_is_reported_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--warn-before", "400")
    assert done.returncode == 2
    assert last_line(done).startswith("stillhere: STILLHERE_WARN_BEFORE=400 must be shorter than")
    done = run(tmp_path, "--port=0", "--secret-keys=hunter2")
    assert done.returncode == 2
    assert last_line(done).startswith("stillhere: STILLHERE_SECRET_KEYS: key 1 has 7 characters;")
    assert "hunter2" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing was made before the settings were read"


def test_a_database_in_a_missing_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--port", "0", "--database", "no/where.db")
    assert done.returncode == 1
    assert last_line(done) == (
        f"stillhere: the database no/where.db cannot be used: there is no folder "
        f"{tmp_path.resolve() / 'no'}; make it, or name a file in another"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_with_too_short_a_key_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "stillhere.db.keys").write_text("abc\n")
    done = run(tmp_path, "--port", "0")
    assert done.returncode == 1
    assert last_line(done) == (
        f"stillhere: the secret keys in {tmp_path.resolve() / 'stillhere.db.keys'} cannot be used: "
        "key 1 has 3 characters; at least 32 are needed"
    )


def test_settings_that_are_probably_mistakes_are_logged(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        (tmp_path / ".env").write_text("STILLHERE_PROT=1\nOTHER=1\n")
        done = run(tmp_path, "--port", port, "--warn-before", "5", STILLHERE_IDLE_TIMOUT="3")
    assert "STILLHERE_WARN_BEFORE=5 leaves players less than the 20 s" in done.stderr
    assert "STILLHERE_IDLE_TIMOUT is no setting" in done.stderr
    assert "STILLHERE_PROT is no setting" in done.stderr
    assert "OTHER" not in done.stderr


def test_the_command_explains_every_setting(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "--idle-timeout TIMEOUT" in done.stdout
    assert run(tmp_path, "--version").stdout.startswith("Still Here ")


async def test_uvicorn_runs_the_application_and_the_log_names_its_missing_flags(
    tmp_path: Path,
) -> None:
    async with running_uvicorn(tmp_path) as server:
        heard = server.log()
        assert "the `stillhere` command would have set: --http h11 --ws" in heard
        assert "--ws-per-message-deflate false" in heard
        assert "--no-proxy-headers" in heard
        assert await server.status(await server.sign_in("Ada")) == (200, "active")
        await server.stop()


def test_uvicorn_does_not_start_with_invalid_settings(tmp_path: Path) -> None:
    done = run(tmp_path, "--port=0", command=UVICORN, STILLHERE_WARN_BEFORE="400")
    assert done.returncode == 1
    assert last_line(done).startswith("stillhere: STILLHERE_WARN_BEFORE=400 must be shorter than")
