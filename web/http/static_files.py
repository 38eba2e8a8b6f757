"""Static files: read once at start, served under a build number; no path ever reaches the disk.

Scripts are served without comments and blanks; the files themselves stay as they were written. What is text
goes out packed (RFC 9110, section 8.4.1.3): a weak line carries a third. Pages do not: they hold the form's
token beside what somebody typed, and the length of the two together, packed, would tell of the token.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
import posixpath
import re
from pathlib import Path

import rjsmin
from aiohttp import web

STATIC_ROOT = Path(__file__).parent.parent / "static"
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
# One request where a citizen's page would make several: name of the whole to its parts, in their order.
JOINED = {
    "css/citizen_page.css": ("css/tokens.css", "css/stage.css", "css/citizen.css", "css/citizen_forms.css"),
}
WORTH_PACKING = 500  # Bytes; less fits into one packet either way.
# rjsmin takes blanks out of a template inside a template; such a script is served as it was written.
NESTED_TEMPLATE = re.compile(r"\$\{[^{}`]*`")
IMPORTED = re.compile(r'^(?:import|export)\b[^"\n]*from "(\.[^"]+)";', re.MULTILINE)


@functools.lru_cache(maxsize=512)
def minified(script: str) -> str:
    """The same program without comments and needless blanks; no name is changed."""
    return script if NESTED_TEMPLATE.search(script) else str(rjsmin.jsmin(script))


def served(path: Path) -> bytes:
    """What a browser gets for a file."""
    return minified(path.read_text("utf-8")).encode() if path.suffix == ".js" else path.read_bytes()


class StaticFiles:
    """The files below `root` at construction; `build` changes whenever what is served of one does."""

    def __init__(self, root: Path = STATIC_ROOT) -> None:
        paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        self._paths = {path.relative_to(root).as_posix(): path for path in paths}
        self._bodies = {name: served(path) for name, path in self._paths.items()}
        for whole, parts in JOINED.items():
            if all(part in self._bodies for part in parts):
                self._bodies[whole] = b"\n".join(self._bodies[part] for part in parts)
        self._packed: dict[str, bytes] = {}
        digest = hashlib.sha256()
        for name, body in self._bodies.items():
            digest.update(name.encode() + b"\0" + body)
        self.build = digest.hexdigest()[:12]
        self._imports = {name: self._read_imports(name) for name in self._paths if name.endswith(".js")}
        self._modules: dict[str, list[str]] = {}

    def url(self, name: str) -> str:
        return f"/static/{self.build}/{name}"

    def modules(self, name: str) -> list[str]:
        """URLs of a module and all it imports, the nearest first: a page that names them gets them in one
        go, not one generation after the other. What is imported later by `import()` is left out.
        """
        if name not in self._modules:
            found = [name]
            for module in found:
                found += [each for each in self._imports[module] if each not in found]
            self._modules[name] = [self.url(each) for each in found]
        return self._modules[name]

    def _read_imports(self, name: str) -> list[str]:
        folder = posixpath.dirname(name)
        relative = IMPORTED.findall(self._paths[name].read_text("utf-8"))
        return list(dict.fromkeys(posixpath.normpath(posixpath.join(folder, each)) for each in relative))

    def respond(self, build: str, name: str, accepted: str = "") -> web.StreamResponse:
        """The file, cached for a year under its own build number and not at all under another.

        `accepted`: the Accept-Encoding of who asks.
        """
        body = self._bodies.get(name)
        if body is None:
            raise web.HTTPNotFound
        kind = (
            TYPES.get(posixpath.splitext(name)[1])
            or mimetypes.guess_type(name)[0]
            or "application/octet-stream"
        )
        text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        packable = (text or kind == "application/manifest+json") and len(body) > WORTH_PACKING
        packed = packable and "gzip" in accepted
        body = self._pack(name) if packed else body
        response = web.Response(body=body, content_type=kind, charset="utf-8" if text else None)
        if packable:
            response.headers["Vary"] = "Accept-Encoding"
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        fresh = build == self.build
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
        return response

    def _pack(self, name: str) -> bytes:
        """Packed when it is first asked for, and once."""
        if name not in self._packed:
            self._packed[name] = gzip.compress(self._bodies[name], mtime=0)
        return self._packed[name]


@functools.cache
def static_files() -> StaticFiles:
    """The program's own, read once for all applications of a process."""
    return StaticFiles()
