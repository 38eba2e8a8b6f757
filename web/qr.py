"""QR codes of links: as inline SVG for pages and as text for terminals."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def qr_svg(text: str, label: str = "二维码") -> Markup:
    """Inline SVG without style attributes (they would fall to the content security policy)."""
    code = segno.make(text, error="m", micro=False)
    out = io.BytesIO()
    code.save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        scale=5,
        border=3,
        omitsize=True,
        svgclass="qr",
        lineclass="qr-line",
        light="#fff",
        dark="#000",
        title=label,
    )
    return Markup(out.getvalue().decode())  # noqa: S704


def qr_text(text: str) -> str:
    """The code in half-block characters for a terminal."""
    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()
