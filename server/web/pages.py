"""What the browser gets: every file of `static/`, read once, kept in memory."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PACKAGE = Path(__file__).resolve().parent.parent
_CANDIDATES = (_PACKAGE / "static", _PACKAGE.parent / "static")
"""In an installed wheel, and in a checkout."""

_TYPES = {
    ".js": "text/javascript",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ts": "text/plain",  # TypeScript, which the common tables take for a video
    ".webmanifest": "application/json",
}


def static_folder() -> Path:
    """Where the files lie."""
    return next(folder for folder in _CANDIDATES if folder.is_dir())


class Pages:
    """`/` and `/static/...`. Nothing is cached without asking: a page and its modules belong
    together, and an answer of 304 costs next to nothing."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _File(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self.routes = [
            Route("/", self.index, methods=["GET"]),
            Route("/favicon.ico", self.icon, methods=["GET"]),
            Route("/static/{path:path}", self.file, methods=["GET"]),
        ]

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
        headers = {"etag": file.etag, "cache-control": "no-cache"}
        known = Headers(scope=request.scope).get("if-none-match", "")
        if file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)


class _File:
    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        self.etag = f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'
        guessed = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        self.media_type = guessed or "application/octet-stream"
