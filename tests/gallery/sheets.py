"""Contact sheets: pictures of one width beside one another, each with its words, to be looked at as a row."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# Width of the pages → how many stand beside one another, how wide each is, and where a long one is cut.
ROWS = {390: (6, 340, 2000), 1280: (3, 660, 1500)}
GAP, TITLE = 14, 40


def lay_out(folder: Path, named: list[tuple[str, str]], width: int) -> list[Path]:
    """One sheet for each row; a page longer than the sheet is cut with a red line, its picture is whole."""
    count, wide, longest = ROWS[width]
    font = ImageFont.load_default(16)
    made = []
    for start in range(0, len(named), count):
        row = []
        for name, words in named[start : start + count]:
            with Image.open(folder / f"{name}-{width}.png") as whole:
                high = round(whole.height * wide / whole.width)
                small = whole.convert("RGB").resize((wide, high), Image.Resampling.LANCZOS)
            if high > longest:
                small = small.crop((0, 0, wide, longest))
                ImageDraw.Draw(small).line((0, longest - 2, wide, longest - 2), "red", 4)
            row.append((small, words, high > longest))
        sheet = Image.new(
            "RGB", (count * (wide + GAP) + GAP, TITLE + GAP + max(each.height for each, _, _ in row)), "#888"
        )
        pen = ImageDraw.Draw(sheet)
        for place, (small, words, cut) in enumerate(row):
            left = GAP + place * (wide + GAP)
            said = f"{words}{' (cut)' if cut else ''}".encode("ascii", "replace").decode()
            pen.text((left, 10), said, "white", font)
            sheet.paste(small, (left, TITLE))
        made.append(folder / f"sheet-{width}-{start // count + 1:02}.png")
        sheet.save(made[-1])
    return made
