"""What the browser gets: the files of `static/` and of the games' page parts, read once and kept
in memory."""

import hashlib
import html
import logging
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.games.catalogue import PAGE_PART
from server.web.problems import Problem

_PACKAGE = Path(__file__).resolve().parent.parent
_CANDIDATES = (_PACKAGE / "static", _PACKAGE.parent / "static")
"""In an installed wheel, and in a checkout."""

_TYPES = {
    ".js": "text/javascript",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ts": "text/plain",  # TypeScript, which the common tables take for a video
    ".webmanifest": "application/json",
}

_SCRIPTS_AND_STYLES = {".js", ".css", ".json"}
_PICTURES = {".svg", ".png", ".jpg", ".webp", ".avif"}
_FONTS_AND_SOUNDS = {".woff2", ".mp3", ".ogg", ".opus"}
_OF_PARTS = _SCRIPTS_AND_STYLES | _PICTURES | _FONTS_AND_SOUNDS
"""What is served of a game's page part; its folder may hold more."""

_PRELOADS = "  <!-- modules -->\n"
"""Where `index.html` has the links to all modules."""

_LANGUAGES = "languages/"
"""Only one of these is loaded."""

_log = logging.getLogger("stillhere.pages")


def static_folder() -> Path:
    """Where the files lie."""
    return next(folder for folder in _CANDIDATES if folder.is_dir())


class Pages:
    """`/` and `/static/...`. Nothing is cached without asking: a page and its modules belong
    together, and an answer of 304 costs next to nothing.

    `parts`: the folders of page parts that games bring, by the game's name; each is served below
    `/static/games/<name>/`, in place of one of `folder`. `games`: the names of the games that are
    played here; the page loads their parts.
    """

    def __init__(
        self,
        folder: Path,
        parts: Mapping[str, Path] | None = None,
        games: Iterable[str] = (),
    ) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _File(path.name, path.read_bytes())
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for name, part in (parts or {}).items():
            self._files |= _read_part(name, part)
        index = self._files["index.html"].content.decode()
        index = index.replace(_PRELOADS, self._preloads(games))
        self._files["index.html"] = _File("index.html", index.encode())
        self.routes = [
            Route("/", self.index, methods=["GET"]),
            Route("/favicon.ico", self.icon, methods=["GET"]),
            Route("/static/{path:path}", self.file, methods=["GET"]),
        ]

    def _preloads(self, games: Iterable[str]) -> str:
        """A link to each module, so that the browser gets all of them at once instead of following
        imports from one to the next."""
        mains = {f"games/{name}/{PAGE_PART}": name for name in games}
        links = []
        for name in self._files:
            is_unused = name.startswith("games/") and _game_of(name) not in mains.values()
            if not name.endswith(".js") or name.startswith(_LANGUAGES) or is_unused:
                continue
            game = f' data-game="{mains[name]}"' if name in mains else ""
            links.append(f'  <link rel="modulepreload" href="/static/{html.escape(name)}"{game}>\n')
        return "".join(links)

    async def index(self, request: Request) -> Response:
        return self._answer(request, "index.html")

    async def icon(self, request: Request) -> Response:
        return self._answer(request, "favicon.svg")

    async def file(self, request: Request) -> Response:
        return self._answer(request, request.path_params["path"])

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        # Only the preconditions that need no date: files have none (RFC 9110, 13.1.3 and 13.1.4).
        asked = Headers(scope=request.scope)
        wanted = _tags(asked, "if-match")
        if wanted and "*" not in wanted and file.etag not in wanted:
            detail = "The file is another version than `If-Match` asks for."
            raise Problem(412, "precondition_failed", detail)
        headers = {"etag": file.etag, "cache-control": "no-cache"}
        known = _tags(asked, "if-none-match")
        if "*" in known or file.etag in (tag.removeprefix("W/") for tag in known):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)


def _tags(headers: Headers, name: str) -> list[str]:
    """The entity tags in all lines of this header; they hold no comma where they could match."""
    return [
        tag for line in headers.getlist(name) for each in line.split(",") if (tag := each.strip())
    ]


class _File:
    def __init__(self, name: str, content: bytes) -> None:
        self.content = content
        self.etag = f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'
        guessed = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
        self.media_type = guessed or "application/octet-stream"


def _read_part(game: str, folder: Path) -> dict[str, _File]:
    """The files of a page part by their paths below `/static/`. Links out of the folder and
    unreadable files are left out, and the log says so."""
    files = {}
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _OF_PARTS or not path.is_file():
            continue
        try:
            path.resolve().relative_to(root)
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            _log.error("%s of the game %s is not served: %s", path, game, error)
            continue
        files[f"games/{game}/{path.relative_to(folder).as_posix()}"] = _File(path.name, content)
    return files


def _game_of(name: str) -> str:
    """`games/chess/part.js` -> `chess`."""
    return name.split("/")[1]
