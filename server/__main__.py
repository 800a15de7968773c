"""The `stillhere` command: reads the settings and runs the server."""

import argparse
import asyncio
import difflib
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

from server import __version__
from server.accounts.keys import KEYS
from server.app import StillHere, make_engine
from server.base.clock import SystemClock
from server.base.open_files import allow_open_files
from server.base.units import in_digits
from server.games.catalogue import find_games
from server.limits import Limits
from server.rooms.replay import NotReplayable, views_of
from server.settings import (
    PREFIX,
    Settings,
    SettingsRefused,
    load_settings,
    unknown_settings,
)
from server.storage.errors import StorageRefused
from server.transport.uvicorn import uvicorn_config

_log = logging.getLogger("stillhere")

_OPENED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""What to open on this machine if it listens on all addresses: browsers open none of those."""

_OTHER_FILES = 100
"""Open files besides connections: the database, its log, Python's own. A generous estimate."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until SIGTERM or SIGINT, or run the given command. Exits with 0, or with 1 or
    2 after printing one line that says why."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # uvicorn logs a warning for each malformed request, so peers could fill the disk with them.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR)
    arguments = sys.argv[1:] if arguments is None else arguments
    _refuse_unknown_flags(arguments)
    flags = vars(_parser().parse_args(arguments))
    command, file = flags.pop("command"), flags.pop("file", None)
    if command == "replay":
        _replay(Path(file))
        return
    try:
        settings = load_settings(**{name: value for name, value in flags.items() if value})
    except SettingsRefused as refused:
        _give_up(refused, 2)
    if command == "backup":
        _back_up(settings, Path(file))
        return
    _note_oddities(settings)
    limits = Limits()
    most = _allow_connections(settings, limits)
    listeners = _listen(settings, limits.transport.backlog)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, limits, most, listeners))
    except SettingsRefused as refused:
        _give_up(refused, 2)
    except StorageRefused as refused:
        _give_up(refused, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stillhere",
        description="A game server that knows who is really there.",
        epilog=f"Every flag is also a variable, in the environment or in .env: {PREFIX}PORT=8000",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=36, width=100),
    )
    parser.add_argument("--version", action="version", version=f"Still Here {__version__}")
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = in_digits(default) if isinstance(default, float) else str(default)
        parser.add_argument(
            _flag_of(name),
            metavar=name.split("_")[-1].upper(),
            help=f"{field.description}" + ("" if default == () else f" (default: {shown})"),
        )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", description="none: serve"
    )
    backup = commands.add_parser(
        "backup",
        help="copy the database, while a server runs on it or not",
        description="Copy the database to a new file, while a server runs on it or not.",
    )
    backup.add_argument("file", metavar="FILE", help="the copy; it must not exist yet")
    backup.add_argument(
        "--database",
        # Not None, which would hide a --database that stands before the command.
        default=argparse.SUPPRESS,
        help=Settings.model_fields["database"].description,
    )
    replayed = commands.add_parser(
        "replay",
        help="play a finished match again, state by state",
        description="Play a finished match again: a line of JSON for each of its states, with the "
        "match seconds since when it held, as a spectator saw it.",
    )
    replayed.add_argument(
        "file", metavar="FILE", help="the match, as GET /api/matches/{id} answers it"
    )
    return parser


def _flag_of(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _refuse_unknown_flags(arguments: Sequence[str]) -> None:
    """Exit at an unknown flag. argparse would take its value for the command and complain about
    that."""
    known = ["--help", "--version", *map(_flag_of, Settings.model_fields)]
    for argument in arguments:
        if argument == "--":
            return
        flag = argument.partition("=")[0]
        if not flag.startswith("--") or any(each.startswith(flag) for each in known):
            continue  # argparse accepts unambiguous abbreviations
        written = flag.lower().replace("_", "-")
        near = difflib.get_close_matches(written, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "see `stillhere --help`"
        _give_up(f"{flag} is no flag; {hint}", 2)


def _replay(file: Path) -> None:
    try:
        for line in views_of(file.read_bytes(), find_games()):
            print(line)  # noqa: T201
    except OSError as error:
        _give_up(f"{file} cannot be read: {error.strerror}", 1)
    except NotReplayable as refused:
        _give_up(f"{file} cannot be replayed: {refused}", 1)


def _back_up(settings: Settings, copy: Path) -> None:
    try:
        engine = make_engine(settings)
        size = engine.back_up(copy)
    except StorageRefused as refused:
        _give_up(refused, 1)
    print(f"{settings.database} copied to {copy}: {size:,} bytes, checked")  # noqa: T201
    if not settings.secret_keys:
        keys = engine.local_file(KEYS)
        print(f"The keys that sign cookies are not in it, but in {keys}: keep both, apart")  # noqa: T201


def _note_oddities(settings: Settings) -> None:
    """Log settings that are valid but probably unintended."""
    for oddity in settings.oddities:
        _log.warning("%s", oddity)
    for name in unknown_settings():
        _log.warning("%s is no setting; see `stillhere --help`", name)
    if os.geteuid() == 0:
        _log.warning("this server may do everything, as root: give it a user of its own")
    folder = Path(settings.database).resolve().parent
    with suppress(OSError):  # the start says better what is wrong
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            _log.warning("others on this machine may replace the database: chmod o-w %s", folder)


def _allow_connections(settings: Settings, limits: Limits) -> int:
    """Raise this process's limit of open files as far as allowed, and return how many connections
    of any kind may be open: each needs a file, and the database must find one."""
    most = settings.max_connections + limits.transport.spare_connections
    allowed = allow_open_files(most + _OTHER_FILES)
    if allowed < settings.max_connections:
        _log.warning(
            "only %d files may be open here, which is less than %sMAX_CONNECTIONS=%d needs; "
            "see `ulimit -n`",
            allowed,
            PREFIX,
            settings.max_connections,
        )
    return min(most, max(allowed - _OTHER_FILES, allowed // 2))


def _listen(settings: Settings, backlog: int) -> list[socket.socket]:
    """Open the listening sockets: for `::` one of IPv6 and one of IPv4. A single socket for both
    would show IPv4 peers as `::ffff:...`, which matches no list of proxies."""
    listeners = [_bind(settings.host, settings.port, backlog)]
    if settings.host == "::":
        listeners.append(_bind("0.0.0.0", listeners[0].getsockname()[1], backlog))  # noqa: S104
    return listeners


def _bind(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        why = str(error.strerror).partition(" (while attempting")[0]
        _give_up(
            f"cannot listen on {host} port {port}: {why}; choose another with --host or --port", 1
        )
    # asyncio's own loop does not set it for sockets made here, and responses on kept connections
    # would wait 40 ms for a delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(
    settings: Settings, limits: Limits, most: int, listeners: list[socket.socket]
) -> None:
    still_here = StillHere(settings, SystemClock(), limits)
    server = _Server(uvicorn_config(still_here.app, limits.transport, still_here.take_socket, most))
    still_here.transports = server.server_state.connections
    try:
        # Before uvicorn starts, so that a database error is one line and not a traceback.
        await still_here.start()
        host, port = listeners[0].getsockname()[:2]
        host = _OPENED_AT.get(host, host)
        shown = f"[{host}]" if ":" in host else host
        print(f"Still Here {__version__} on http://{shown}:{port}", flush=True)  # noqa: T201
        await server.serve(sockets=listeners)
    finally:
        # After uvicorn: a failed shutdown skips the lifespan, but the storage has to be closed.
        await still_here.stop()


class _Server(uvicorn.Server):
    """uvicorn's server, but a signal ends `serve` and not the process: `_serve` has to clean up."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:
            # After a second Ctrl-C uvicorn does not shut down the lifespan.
            await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            numbers.append(signal.SIGHUP)  # the terminal was closed
        before = {each: signal.signal(each, self.handle_exit) for each in numbers}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # pragma: no cover - it has no build for Windows
        return None
    return uvloop.new_event_loop


def _give_up(why: object, code: int) -> NoReturn:
    print(f"stillhere: {why}", file=sys.stderr)  # noqa: T201
    sys.exit(code)


if __name__ == "__main__":
    main()
