"""The child process that opens an uploaded file: what it is by its content, and its pages as pictures.

Runs as `python -m scheduling.materials.renderer` with limits on memory and time, so that a file made to hurt
hurts nobody. Standard input is the file. Standard output is a line of JSON, `{"kind": …, "pages": [bytes of
each]}` or `{"refused": code}`, and the pages as JPEG one after the other. Pages hold pixels and nothing
else: no EXIF, no place where the picture was taken, no script.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import warnings

import pypdfium2
from PIL import Image, ImageOps

from scheduling.materials.limits import MOST_PAGES

NICE = 10
MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 40
MOST_PIXELS = 50_000_000  # A telephone of 48 megapixels passes.
LONGEST_SIDE = 1600  # Of a page as it is shown; small print is legible, a weak phone decodes it.
QUALITY = 85
POINTS = 72
FORMATS = ("JPEG", "PNG", "WEBP")
# Brands of ISO base media files that hold a still picture (ISO/IEC 23008-12).
HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")


class Refused(Exception):
    """The file cannot become pages; the argument is the stable code."""


def render(content: bytes) -> tuple[str, list[bytes]]:
    """Kind and pages. Raises Refused."""
    if content.startswith(b"%PDF-"):
        return "pdf", pdf_pages(content)
    if content[4:8] == b"ftyp" and content[8:12] in HEIF:
        raise Refused("heic")
    return picture_page(content)


def picture_page(content: bytes) -> tuple[str, list[bytes]]:
    """A picture as one page, upright as its EXIF says."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("not_allowed") from error
    if picture.width * picture.height > MOST_PIXELS:
        raise Refused("too_many_pixels")
    kind = (picture.format or "").lower()
    try:
        picture.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))
        picture.load()
        return kind, [jpeg_of(ImageOps.exif_transpose(picture))]
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("broken") from error


def pdf_pages(content: bytes) -> list[bytes]:
    """Each page of a PDF, drawn without running anything in it."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "password" in str(error).lower() else "broken") from error
    if not 1 <= len(document) <= MOST_PAGES:
        raise Refused("too_many_pages" if len(document) else "broken")
    try:
        return [pdf_page(document[number]) for number in range(len(document))]
    except pypdfium2.PdfiumError as error:
        raise Refused("broken") from error


def pdf_page(page: pypdfium2.PdfPage) -> bytes:
    """One page, its longer side as long as pages are; however large it says it is."""
    longest = max(page.get_size())
    if not longest > 0:
        raise Refused("broken")
    return jpeg_of(page.render(scale=LONGEST_SIDE / longest).to_pil())


def jpeg_of(picture: Image.Image) -> bytes:
    """The pixels as JPEG, white where they are transparent."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        picture = Image.new("RGB", coloured.size, "white")
        picture.paste(coloured, mask=coloured.getchannel("A"))
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def main() -> None:
    """Read, render, answer; what goes wrong in a library is a refusal, too."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    content = sys.stdin.buffer.read()
    pages: list[bytes] = []
    try:
        kind, pages = render(content)
        head: dict[str, object] = {"kind": kind, "pages": [len(page) for page in pages]}
    except Refused as refused:
        head = {"refused": str(refused)}
    except Image.DecompressionBombWarning:
        head = {"refused": "too_many_pixels"}
    except Exception:  # noqa: BLE001 - a library tripped over a hostile file; that is all there is to know.
        head = {"refused": "broken"}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(pages))


if __name__ == "__main__":
    main()
