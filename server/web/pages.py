"""The files of `static/` and of the games' page parts, read once and kept in memory."""

import base64
import hashlib
import html
import logging
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from server.games.catalogue import PAGE_PART
from server.web.assembly import insert_parts, join_styles, join_words
from server.web.modules import join
from server.wire.headers import lines
from server.wire.names import JSON
from server.wire.problem import Problem, allow_script, not_found

_PACKAGE = Path(__file__).resolve().parent.parent
_CANDIDATES = (_PACKAGE / "static", _PACKAGE.parent / "static")
"""In an installed wheel, and in a checkout."""

_TYPES = {
    ".js": "text/javascript",
    ".svg": "image/svg+xml; charset=utf-8",
    ".map": JSON,
    ".ts": "text/plain",  # TypeScript, not a video as in common tables
    ".webmanifest": JSON,
}

_SCRIPTS_AND_STYLES = {".js", ".css", ".json"}
_PICTURES = {".svg", ".png", ".jpg", ".webp", ".avif"}
_FONTS_AND_SOUNDS = {".woff2", ".mp3", ".ogg", ".opus"}
_OF_PARTS = _SCRIPTS_AND_STYLES | _PICTURES | _FONTS_AND_SOUNDS
"""The files of a game's page part that are served; its folder may contain others."""

_MAIN = "app.js"
_MODULES = "  <!-- modules -->\n"
"""A placeholder in `index.html`, replaced by the tags for the modules."""

_ASK_EACH_TIME = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"

_log = logging.getLogger("stillhere.web")


def static_folder() -> Path:
    """Return the folder of the files."""
    return next(folder for folder in _CANDIDATES if folder.is_dir())


class Pages:
    """`/` and `/static/...`. Files are revalidated at each use, as a page and its modules belong
    together; only the joined modules and styles are cached, as their addresses change with their
    content.

    `parts`: the folders of the games' page parts by the game's name; each is served below
    `/static/games/<name>/`, instead of one in `folder`. `games`: the names of the installed games,
    whose parts the page loads.
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
        self._assemble(games)
        self.routes = [
            Route("/", self.index, methods=["GET"]),
            Route("/favicon.ico", self.icon, methods=["GET"]),
            Route("/static/{path:path}", self.file, methods=["GET"]),
        ]

    def _assemble(self, games: Iterable[str]) -> None:
        """Put the page together from its files, and add to it what it has to load: the joined
        modules and styles, and the page part of each game."""
        texts = {
            name: file.content.decode(errors="replace")
            for name, file in self._files.items()
            if not name.startswith("games/") and Path(name).suffix in {".js", ".css", ".html"}
        }
        for path, words in join_words(texts).items():
            self._files[path] = _File(path, words.encode())
        page = insert_parts(texts["index.html"], texts)
        page, styles, style = join_styles(page, texts)
        self._files[styles] = _File(styles, style.encode(), _FOR_EVER)
        scripts = {name: text for name, text in texts.items() if name.endswith(".js")}
        joined = join(scripts, _MAIN)
        source_map = _File("joined.js.map", joined.source_map.encode(), _FOR_EVER)
        self._files[joined.path] = _File("joined.js", joined.text.encode(), _FOR_EVER)
        self._files[f"{joined.path}.map"] = source_map
        lines = [
            f'<script type="importmap">{joined.import_map}</script>',
            f'<link rel="modulepreload" href="/static/{joined.path}">',
        ]
        for game in games:
            path = f"games/{game}/{PAGE_PART}"
            if path in self._files:
                address = html.escape(f"/static/{path}")
                lines.append(f'<meta name="page-part" content="{address}" data-game="{game}">')
        page = page.replace(_MODULES, "".join(f"  {line}\n" for line in lines))
        self._files["index.html"] = _File("index.html", page.encode())
        # The only inline script that browsers accept in this page (CSP Level 3, 8.4).
        digest = base64.b64encode(hashlib.sha256(joined.import_map.encode()).digest()).decode()
        self._policy = allow_script(digest)

    async def index(self, request: Request) -> Response:
        return self._answer(request, "index.html")

    async def icon(self, request: Request) -> Response:
        return self._answer(request, "favicon.svg")

    async def file(self, request: Request) -> Response:
        return self._answer(request, request.path_params["path"])

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise not_found(request.scope["path"])
        # Only preconditions without dates: files have none (RFC 9110, 13.1.3 and 13.1.4).
        wanted = _tags(request.scope, b"if-match")
        if wanted and "*" not in wanted and file.etag not in wanted:
            detail = "The file is another version than `If-Match` asks for."
            raise Problem(412, "precondition_failed", detail)
        headers = {"etag": file.etag, "cache-control": file.cache_control}
        if name == "index.html":
            headers["content-security-policy"] = self._policy
        known = _tags(request.scope, b"if-none-match")
        if "*" in known or file.etag in (tag.removeprefix("W/") for tag in known):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)


def _tags(scope: Scope, name: bytes) -> list[str]:
    """Return the entity tags in all lines of this header; ours contain no comma."""
    return [tag for line in lines(scope, name) for each in line.split(",") if (tag := each.strip())]


class _File:
    def __init__(self, name: str, content: bytes, cache_control: str = _ASK_EACH_TIME) -> None:
        self.content = content
        self.cache_control = cache_control
        self.etag = f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'
        guessed = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
        self.media_type = guessed or "application/octet-stream"


def _read_part(game: str, folder: Path) -> dict[str, _File]:
    """Return the files of a page part by their paths below `/static/`. Links out of the folder and
    unreadable files are left out and logged."""
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
