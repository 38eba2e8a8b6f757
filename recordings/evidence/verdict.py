"""Verdict: what a verification found, in words and codes, and how it ends the command ``lianxin verify``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from recordings.evidence.manifest import MANIFEST_FILE


class ExitCode(IntEnum):
    """Exit codes of ``lianxin verify``; the worst finding decides."""

    INTACT = 0
    DAMAGED = 1  # a segment is changed, missing or added
    NOT_AS_SEALED = 2  # manifest edited or signature wrong
    UNREADABLE = 3  # not a sealed recording
    UNKNOWN_SIGNER = 4  # intact, but signed by a key that is not among the trusted ones


def visible(text: str) -> str:
    """A text that may hold the name of any file, on one line: what cannot be seen is written as its code.

    A name can hold line feeds, commands of terminals, marks that turn the direction of writing, and bytes
    that are no text at all: none of them may change what a report seems to say, or keep it from being kept.
    """
    return "".join(char if char.isprintable() else _code_of(char) for char in text)


def _code_of(char: str) -> str:
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # A byte of a name that is not UTF-8 (PEP 383).
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``start`` and ``end`` are a byte range [start, end) of ``path``.

    Path and texts are made ``visible``.
    """

    code: str
    path: str
    text_zh: str
    text_en: str
    exit_code: ExitCode = ExitCode.DAMAGED
    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        for name in ("path", "text_zh", "text_en"):
            object.__setattr__(self, name, visible(getattr(self, name)))


@dataclass(frozen=True)
class Note:
    """Something to know that is not wrong: until when the key was valid, who vouches for the time."""

    code: str
    text_zh: str
    text_en: str


@dataclass
class Verdict:
    """What was found. ``intact`` holds only when nothing at all is wrong.

    ``sm3_segments`` counts the segments proven by SM3 as well as by SHA-256, ``exhibits`` the pages of shown
    materials. ``notes`` tell how much is
    proven besides: they never make a recording less intact.
    """

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    fingerprint: str | None = None
    manifest_sha256: str | None = None
    segments: int = 0
    size: int = 0
    sm3_segments: int = 0
    notes: list[Note] = field(default_factory=list)
    exhibits: int = 0

    @property
    def intact(self) -> bool:
        return not self.findings

    @property
    def exit_code(self) -> ExitCode:
        order = (ExitCode.UNREADABLE, ExitCode.NOT_AS_SEALED, ExitCode.DAMAGED, ExitCode.UNKNOWN_SIGNER)
        codes = {finding.exit_code for finding in self.findings}
        return next((code for code in order if code in codes), ExitCode.INTACT)

    def note_foreign_manifest(self) -> None:
        """The manifest is not the one the database remembers from sealing."""
        zh = "封存清单不是封存时登记的那一份。"
        en = "The manifest is not the one that was registered at sealing."
        self.findings.append(
            Finding("manifest_foreign", MANIFEST_FILE, zh, en, exit_code=ExitCode.NOT_AS_SEALED)
        )

    @property
    def noted(self) -> list[str]:
        """The notes as lines of the report."""
        return [f"· {note.text_zh} {note.text_en}" for note in self.notes]

    @property
    def counted(self) -> str:
        """How many files of the recording were read, in words."""
        pages = f", {self.exhibits} 页出示的材料 pages shown" if self.exhibits else ""
        return f"{self.segments} 个分段 segments{pages}"

    def lines(self) -> list[str]:
        """The report in Chinese and English, one line per finding."""
        head = f"{visible(self.folder.name)}: {self.counted}, {self.size} 字节 bytes"
        if self.intact:
            return [
                head,
                "完整：每个分段与封存时一致，签名有效。 Intact: every segment is as sealed, signature valid.",
                f"SHA-256 {self.segments}/{self.segments}, SM3 {self.sm3_segments}/{self.segments}",
                f"签名密钥指纹 key fingerprint: {self.fingerprint}",
                *self.noted,
            ]
        return [head, *(f"✗ {finding.text_zh} {finding.text_en}" for finding in self.findings), *self.noted]
