"""Day proof: that a recording stands under the signed root of its day, to be seen and to be taken along.

The package holds digests, one signed statement and, where there is one, a time stamp: nothing of the case
and nobody's name but that of who took it. Whoever has the recording holds it against its manifest's digest.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import BEIJING, Clock
from cases.errors import Conflict
from cases.policy import Action, Actor, require
from recordings.capture.journal import SOFTWARE
from recordings.evidence.day_root import LedgerError, ledger_of, read_day
from recordings.evidence.inclusion import DAY_FILE, INCLUSION_FILE, judge_day, proof_files
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import MANIFEST_FILE, moment_text
from recordings.evidence.merkle import root_from_path
from recordings.evidence.signing import ManifestSigner
from recordings.packages.package import Package, PackageFile, package_name
from recordings.recording import Recording, load_recording
from recordings.review.replay import note_access
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session

READ_ME = "说明.txt"


@dataclass(frozen=True)
class DayProof:
    """The way from a recording up to the root of its day. ``files`` is empty while there is no such day.

    ``fault`` says in Chinese why the way does not hold. ``path`` are the digests (hex) beside it, from the
    leaf upwards (RFC 9162, 2.1.3), ``computed`` the root they lead to.
    """

    recording: Recording
    session: Session
    directory: Path
    files: dict[str, bytes] = field(default_factory=dict)
    fault: str = ""
    day: str = ""
    index: int = 0
    size: int = 0
    path: tuple[str, ...] = ()
    root: str = ""
    computed: str = ""

    @property
    def holds(self) -> bool:
        return bool(self.files) and not self.fault and self.computed == self.root


async def see_proof(
    db: AsyncSession, actor: Actor, recording_id: str, root: Path, register: KeyRegister | None
) -> DayProof:
    """What is known of the day of a recording; ``root`` holds the recording folders.

    Without ``register`` any key is taken that signed the day.

    Raises NotFound, Forbidden, and Conflict ``not_sealed``.
    """
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.SEE_MANIFEST, await scope_of_session(db, session))
    if recording.manifest_sha256 is None:
        raise Conflict("not_sealed", "录像还没有封存。")
    return await asyncio.to_thread(_read, recording, session, root, register)


async def take_proof(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    root: Path,
    register: KeyRegister | None,
    signer: ManifestSigner,
    address: str | None,
) -> Package:
    """The proof as a signed package, written down as an opening; commits.

    Raises as ``see_proof``, and Conflict ``no_proof`` where there is none that holds.
    """
    proof = await see_proof(db, actor, recording_id, root, register)
    if not proof.holds:
        raise Conflict("no_proof", proof.fault or "这份录像还没有列入日根（次日生成），没有可以下载的证明。")
    recording, now = proof.recording, clock.now()
    await note_access(db, clock, actor, recording, "proof", address)
    detail = {"day": proof.day, "petition_id": recording.petition_id}
    await add_audit(
        db, clock, actor, "recording.proof_taken", "recording", recording_id, detail=detail, address=address
    )
    await db.commit()
    facts: dict[str, Any] = {
        "software": SOFTWARE,
        "kind": "proof",
        "recording_id": recording.id,
        "manifest_sha256": recording.manifest_sha256,
        "made_at": moment_text(now),
        "by": actor.name,
        "reason": "",
    }
    files = [PackageFile(name, proof.files[name]) for name in sorted(proof.files)]
    files.append(PackageFile(READ_ME, _read_me(proof)))
    day = f"{now.astimezone(BEIJING):%Y%m%d}"
    return Package(package_name("day", day, recording.id, "proof"), tuple(files), facts, signer)


def _read(recording: Recording, session: Session, root: Path, register: KeyRegister | None) -> DayProof:
    folder = recording.folder(root)
    directory = ledger_of(root, recording.organisation_id)
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        files = proof_files(directory, manifest, recording.manifest_sha256 or "")
        if not files:
            return DayProof(recording, session, directory)
        inclusion, day = json.loads(files[INCLUSION_FILE]), json.loads(files[DAY_FILE])
        path, index, size = inclusion["path"], inclusion["leaf_index"], inclusion["tree_size"]
        leaf = bytes.fromhex(inclusion["manifest_sha256"])
        computed = root_from_path(leaf, index, size, [bytes.fromhex(one) for one in path]).hex()
        _, fault = judge_day(read_day(directory / f"{inclusion['day']}.json"), register)
    except LedgerError as error:
        return DayProof(recording, session, directory, fault=str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return DayProof(recording, session, directory, fault=f"清单或日根读不出来（{error}）。")
    return DayProof(
        recording, session, directory, files, fault, inclusion["day"], index, size, tuple(path), day["root"],
        computed,
    )  # fmt: skip


def _read_me(proof: DayProof) -> bytes:
    return f"""录像的日根证明

本包证明：封存清单摘要（SHA-256）为
  {proof.recording.manifest_sha256}
的录像，列在 {proof.day} 的日根之下（当日共 {proof.size} 份，它是第 {proof.index + 1} 份）。
日根（Merkle root，RFC 9162）：
  {proof.root}

怎样核对
1. 离线运行：lianxin verify 本文件包 --keys 单位公布的密钥登记簿
   有时间戳（proof/day.tsr）时加上：--authority 时间戳机构的证书.pem
2. 手里有录像或导出包的，计算其中 manifest.json 的 SHA-256，应当与上面的摘要相同。
3. 不用本软件：按 RFC 9162 2.1.3.2，以 proof/inclusion.json 的 path 从叶子算到根，
   与 proof/day.json 的 root 比较；时间戳用 openssl ts -verify 核对。

格式见 docs/recording-format.md。本包不含录像内容。
""".encode()
