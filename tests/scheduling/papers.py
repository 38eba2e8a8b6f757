"""Files as people bring them: photos, PDFs, and files made to hurt. Seeded by their arguments alone."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

from PIL import Image

PLACE = b"620102-here"


def photo(colour: tuple[int, int, int] = (200, 40, 40), size: tuple[int, int] = (400, 300)) -> bytes:
    """A JPEG held sideways, with a place in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by a quarter.
    exif[0x010E] = PLACE.decode()
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


def pdf(colours: tuple[str, ...] = ("red", "lime", "blue")) -> bytes:
    """A PDF with one page of each colour."""
    pages = [Image.new("RGB", (300, 400), colour) for colour in colours]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()


def bomb(side: int = 100_000) -> bytes:
    """A PNG of a few hundred bytes that says it has `side` times `side` pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
