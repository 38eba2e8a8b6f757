"""QR codes of links: as inline SVG for pages and as text for terminals."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def qr_svg(text: str, label: str = "二维码", *, alone: bool = False) -> Markup:
    """SVG without style attributes (they would fall to the content security policy).

    `alone`: for a picture of its own, which browsers show only with its namespace; inline it has none.
    """
    code = segno.make(text, error="m", micro=False)
    out = io.BytesIO()
    code.save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=alone,
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
