"""Static files: known by name at start, served under a build number; no path ever reaches the disk."""

from __future__ import annotations

import hashlib
import mimetypes
import posixpath
import re
from pathlib import Path

from aiohttp import web

STATIC_ROOT = Path(__file__).parent / "static"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".json": "application/json",
}
IMPORTED = re.compile(r'^(?:import|export)\b[^"\n]*from "(\.[^"]+)";', re.MULTILINE)


class StaticFiles:
    """The files below `root` at construction; `build` changes whenever one of them does."""

    def __init__(self, root: Path = STATIC_ROOT) -> None:
        paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        self._files = {path.relative_to(root).as_posix(): path for path in paths}
        digest = hashlib.sha256()
        for name, path in self._files.items():
            digest.update(name.encode() + b"\0" + path.read_bytes())
        self.build = digest.hexdigest()[:12]
        self._imports = {name: self._read_imports(name) for name in self._files if name.endswith(".js")}

    def url(self, name: str) -> str:
        return f"/static/{self.build}/{name}"

    def modules(self, name: str) -> list[str]:
        """URLs of a module and all it imports, the nearest first: a page that names them gets them in one
        go, not one generation after the other. What is imported later by `import()` is left out.
        """
        found = [name]
        for module in found:
            found += [each for each in self._imports[module] if each not in found]
        return [self.url(each) for each in found]

    def _read_imports(self, name: str) -> list[str]:
        folder = posixpath.dirname(name)
        relative = IMPORTED.findall(self._files[name].read_text("utf-8"))
        return list(dict.fromkeys(posixpath.normpath(posixpath.join(folder, each)) for each in relative))

    def respond(self, build: str, name: str) -> web.StreamResponse:
        """The file, cached for a year under its own build number and not at all under another."""
        path = self._files.get(name)
        if path is None:
            raise web.HTTPNotFound
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        response = web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8" if text else None)
        fresh = build == self.build
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
        return response
