"""`lianxin verify`: a recording, an exported package, final minutes or an office's chain, proven offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from web.commands.terminal import console, stop


def verify(
    path: Annotated[
        Path,
        typer.Argument(
            help="录像目录、导出包、笔录的签名记录；与 --office 一起：全部录像所在的目录 "
            "folder of a recording, exported folder or ZIP, signed record of minutes; "
            "with --office: the folder of all recordings"
        ),
    ],
    original: Annotated[
        Path | None, typer.Option(help="片段的原录像目录 folder of the recording a clip was cut from")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="密钥登记簿 register of keys (lianxin keys export)")
    ] = None,
    office: Annotated[
        str,
        typer.Option(
            help="核对这个单位的录像链和日根，写编号、区划代码或名称 check the chain of this office"
        ),
    ] = "",
    ledger: Annotated[
        Path | None, typer.Option(help="日根所在的目录 folder of the day roots, else beside the recordings")
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            envvar="LIANXIN_STAMPS_CERTIFICATE", help="时间戳机构的证书 PEM of the time-stamping authority"
        ),
    ] = None,
) -> None:
    """离线验证一份录像，或一个单位的录像链 Prove that no byte of a recording, or no recording, changed."""
    from recordings.evidence.keys import RegisterError, read_register
    from recordings.evidence.minutes_record import is_minutes_record, verify_minutes_record
    from recordings.evidence.verdict import Verdict
    from recordings.packages.check import verify_path
    from recordings.watch.office_check import verify_office

    try:
        register = read_register(keys) if keys is not None else None
    except RegisterError as error:
        stop(str(error))
    verdict: Verdict
    if office:
        verdict = verify_office(path, office, register, ledger, authority)
    elif path.is_file() and is_minutes_record(path):
        verdict = verify_minutes_record(path, register)
    else:
        verdict = verify_path(path, original=original, register=register, ledgers=ledger, authority=authority)
    for line in verdict.lines():
        console.print(line, soft_wrap=True, markup=False)
    raise typer.Exit(int(verdict.exit_code))
