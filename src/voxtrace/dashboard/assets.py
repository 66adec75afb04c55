"""The static files, in memory, under a path that changes whenever one of them does.

Names carry no hashes, so no build step is needed; the folder does: `/static/<hash12>/app/main.js`. A browser may keep
what it got for ever, and an upgraded program can never be driven by a page of the old one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from voxtrace.errors import VoxtraceError

STATIC_FOLDER = Path(__file__).parent / "static"
PLACE_OF_ASSETS = "%ASSETS%"  # in index.html, replaced by the hashed folder

CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}

# Without these there is no page; a package that was built without them must not start.
NEEDED = (
    "index.html",
    "app/main.js",
    "app/live.js",
    "app/ui.js",
    "css/app.css",
    "vendor/preact.mjs",
    "vendor/hooks.mjs",
    "vendor/htm.mjs",
    "vendor/uPlot.iife.min.js",
)


class AssetsMissing(VoxtraceError):
    """The installed package lacks files of the dashboard."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"the dashboard's files are missing: {', '.join(missing)}; install voxtrace again")
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file of the static tree by its path, and the hash over all of them."""

    files: dict[str, bytes]
    digest: str  # 12 hexadecimal digits

    @property
    def prefix(self) -> str:
        return f"/static/{self.digest}"

    def index(self) -> bytes:
        """The one HTML page."""
        return self.files["index.html"].replace(PLACE_OF_ASSETS.encode(), self.prefix.encode())


def load_assets(folder: Path = STATIC_FOLDER) -> Assets:
    """Read the static tree.

    Raises:
        AssetsMissing: a file without which there is no page is not there.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    missing = tuple(name for name in NEEDED if name not in files)
    if missing:
        raise AssetsMissing(missing)
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return Assets(files, digest.hexdigest()[:12])


class AssetRoutes:
    """Answers with files of the tree, and with the page itself."""

    def __init__(self, assets: Assets) -> None:
        self._assets, self._page = assets, assets.index()

    async def page(self, request: Request) -> Response:
        """The shell; which page it shows, the script reads from the address."""
        return HTMLResponse(self._page, headers={"Cache-Control": "no-cache"})

    async def file(self, request: Request) -> Response:
        """One static file. The name is looked up in a table, so no name can leave the tree."""
        name: str = request.path_params["name"]
        content = self._assets.files.get(name)
        kind = CONTENT_TYPES.get(Path(name).suffix)
        if request.path_params["digest"] != self._assets.digest or content is None or kind is None:
            return PlainTextResponse("no such file; load the page again", 404, headers={"Cache-Control": "no-store"})
        return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})
