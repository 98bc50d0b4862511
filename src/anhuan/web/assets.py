"""Static files under names that carry a hash of their content, held in memory and packed once."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from anhuan.kit import page
from anhuan.kit.errors import Broken

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"

router = APIRouter(prefix="/static", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its address with hash, its type, and its bytes plain and packed."""

    url: str
    kind: str
    plain: bytes
    packed: bytes


class AssetMissing(Broken):
    """静态文件缺失: the build did not bring a file that a page asks for."""

    code = "web.asset_missing"


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its name below the folder, for instance `kit/htmx.min.js`."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix in TYPES)
    return {str(path.relative_to(FOLDER)): _load(path) for path in files}


def url(name: str) -> str:
    """The address of a static file; a missing one is a fault of the build, told at once."""
    asset = assets().get(name)
    if asset is None:
        raise AssetMissing(
            f"static/{name} is missing: install the package again (make setup), its build step brings it"
        )
    return asset.url


@router.get("/{path:path}", dependencies=[page.needs("public")])
def static_file(path: str, request: Request) -> Response:
    """A static file, for ever: its name changes when its content does."""
    asset = next((one for one in assets().values() if one.url == f"/static/{path}"), None)
    if asset is None:
        raise page.NotFound("没有这个文件。")
    head = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.kind, headers={**head, "Content-Encoding": "gzip"})
    return Response(asset.plain, media_type=asset.kind, headers=head)


def _load(path: Path) -> Asset:
    plain = path.read_bytes()
    mark = hashlib.sha256(plain).hexdigest()[:8]
    folder = path.relative_to(FOLDER).parent.as_posix()
    name = f"{path.stem}.{mark}{path.suffix}"
    address = f"/static/{name}" if folder == "." else f"/static/{folder}/{name}"
    return Asset(address, TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0))
