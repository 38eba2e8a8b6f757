"""Examiner: the verification of one folder in a process of its own, at low priority.

Reading an hour of journals takes long; neither the pages nor the lease wait for it, and stopping kills it.
``python -m recordings.evidence.examiner FOLDER REGISTER LEDGERS AUTHORITY`` (empty: none) writes the verdict
as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from recordings.child import HOME, NICE, die_with_parent
from recordings.evidence.inclusion import check_ledger
from recordings.evidence.keys import KeyRegister, read_register
from recordings.evidence.verdict import ExitCode, Finding, Note, Verdict
from recordings.evidence.verification import verify_folder


class ExaminationError(Exception):
    """The child ended without a verdict; the text says why."""


@dataclass(frozen=True)
class Witnesses:
    """What vouches for a recording from outside its folder; None: there is none.

    ``register`` is the file that says which key was good when, ``ledgers`` holds those of all offices,
    ``authority`` is the certificate (PEM) of the time-stamping authority.
    """

    register: Path | None = None
    ledgers: Path | None = None
    authority: Path | None = None


async def examine(folder: Path, expected_sha256: str | None, witnesses: Witnesses = Witnesses()) -> Verdict:
    """Verify in a child process; cancelling kills it. Raises ExaminationError.

    ``expected_sha256`` is what the database remembers of the manifest: no folder can prove by itself that
    its manifest, signed with whatever key, is the one that was sealed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "recordings.evidence.examiner", str(folder),
        str(witnesses.register or ""), str(witnesses.ledgers or ""),
        str(witnesses.authority or ""),
        cwd=HOME,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        raise ExaminationError(last[0] if last else f"退出码 {process.returncode}")
    verdict = _read(folder, out)
    if verdict.manifest_sha256 is not None and verdict.manifest_sha256 != expected_sha256:
        verdict.note_foreign_manifest()
    return verdict


def _read(folder: Path, out: bytes) -> Verdict:
    told = json.loads(out)
    findings = [
        Finding(**(found | {"exit_code": ExitCode(found["exit_code"])})) for found in told.pop("findings")
    ]
    notes = [Note(**note) for note in told.pop("notes")]
    return Verdict(**(told | {"folder": folder, "findings": findings, "notes": notes}))


def judge_folder(
    folder: Path, register: KeyRegister | None, ledgers: Path | None, authority: Path | None = None
) -> Verdict:
    """The folder by itself and, unless None, against its office's ledger; blocks for as long as it reads."""
    verdict = verify_folder(folder, register=register)
    if ledgers is not None:
        check_ledger(verdict, ledgers, register, authority)
    return verdict


def main(folder: str, register: str, ledgers: str, authority: str) -> None:
    """Entry point of the child."""
    die_with_parent()
    os.nice(NICE)
    known = read_register(Path(register)) if register else None
    verdict = judge_folder(
        Path(folder), known, Path(ledgers) if ledgers else None, Path(authority) if authority else None
    )
    print(json.dumps(asdict(verdict) | {"folder": folder}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:5])
