"""A letter set in the small face is the same letter; whatever the small face lacks, the whole one has."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

import pypdfium2
import pytest

from cases.documents.letter import Letter
from cases.documents.template import Paragraph
from tests.clock import FixedClock
from web.letters import face, pdf
from web.letters.face import cut_out, place_of, small_face
from web.letters.pdf import letter_pdf

NOW = FixedClock().now()
USUAL = "经现场查看，三单元楼道顶部渗水——“保修”·12:30（A4）。"
RARE = "信访人朱镕、喆女士。"  # 镕 and 喆 are in no row of GB 2312.


def letter(text: str) -> Letter:
    return Letter(
        "城关区住建局", "处理意见书", "信处〔2026〕1号", "李德福", (Paragraph(text),), "2026年7月22日"
    )


def look(body: bytes) -> tuple[str, bytes]:
    """The words of the first page and its picture."""
    page = pypdfium2.PdfDocument(body)[0]
    return page.get_textpage().get_text_range(), page.render(scale=1.5).to_numpy().tobytes()


@pytest.fixture(scope="module")
def small(faces: Path) -> Path:
    """Made, by this process or by another that is about it."""
    whole = pdf._font()
    made, patience = place_of(*whole, faces), time.monotonic() + 60
    while not made.is_file() and time.monotonic() < patience:
        cut_out(*whole, faces)
        time.sleep(0.1)
    return made


@pytest.mark.parametrize("text", [USUAL, RARE])
def test_it_is_the_same_letter(small: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    whole = look(letter_pdf(letter(text), NOW))
    drawn = list[str]()
    real = pdf._drawn
    monkeypatch.setattr(pdf, "_drawn", lambda *told: drawn.append(told[2]) or real(*told))
    same = look(letter_pdf(letter(text), NOW, faces))
    assert same == whole and text[:6] in same[0]
    assert [Path(each).parent == faces for each in drawn] == ([True] if text == USUAL else [True, False])


def test_a_face_of_which_a_part_was_lost_is_made_anew(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[tuple[object, ...]]()
    monkeypatch.setattr(face, "cut_out", lambda *told: begun.append(told))
    kept = tmp_path / small.name
    kept.write_bytes(small.read_bytes()[:100_000])
    caplog.set_level(logging.WARNING)
    assert "经现场" in look(letter_pdf(letter(USUAL), NOW, tmp_path))[0]
    assert not kept.exists() and "cannot be read" in caplog.text and not begun
    assert "经现场" in look(letter_pdf(letter(USUAL), NOW, tmp_path))[0]
    assert begun == [(*pdf._font(), tmp_path)], "beside the letter, which does not wait for it"
    shutil.copyfile(small, kept)
    assert small_face(*pdf._font(), tmp_path) == kept and kept.stat().st_size < 8_000_000


def test_one_makes_it_and_whoever_was_killed_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, commands = pdf._font(), list[list[str]]()
    monkeypatch.setattr(face.subprocess, "run", lambda command, **how: commands.append(command))
    fresh = place_of(*whole, tmp_path).with_suffix(".new")
    fresh.touch()
    cut_out(*whole, tmp_path)
    assert not commands and fresh.exists()
    os.utime(fresh, (0, 0))
    cut_out(*whole, tmp_path)
    assert len(commands) == 1 and place_of(*whole, tmp_path).exists() and not fresh.exists()


def test_without_a_place_for_it_letters_are_set_in_the_whole_face(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "faces").write_bytes(b"")
    caplog.set_level(logging.WARNING)
    cut_out(*pdf._font(), tmp_path / "faces")
    assert "No small face" in caplog.text and small_face(*pdf._font(), tmp_path / "faces") is None
