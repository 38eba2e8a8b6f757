"""`lianxin keys`: the signing keys of this installation, listed, replaced and revoked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.terminal import complain, console
from web.settings import load

if TYPE_CHECKING:
    from recordings.evidence.keys import KeyEntry

app = typer.Typer(help="签名密钥 The keys that sign recordings", no_args_is_help=True)


def _directory() -> Path:
    return load().state / "keys"


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be read, written or understood ends the command with a word of why.

    RegisterError and SettingsError are ValueErrors.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        complain(error)
        raise typer.Exit(1) from error


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)


def _line(key: KeyEntry) -> str:
    if key.revoked_at:
        state = f"已吊销 revoked {key.revoked_at}：{key.reason}"
    elif key.retired_at:
        state = f"已停用 retired {key.retired_at}"
    else:
        state = "在用 in use"
    since = key.valid_from or "最初 the beginning"
    return f"{key.fingerprint}  {key.algorithm}  自 since {since}  {state}"


@app.command("list")
def list_keys() -> None:
    """列出全部密钥 List all keys, oldest first."""
    from recordings.evidence.keys import open_register

    with _refusals():
        for key in open_register(_directory()).keys:
            _say(_line(key))


@app.command()
def rotate(
    algorithm: Annotated[str, typer.Option(help="Ed25519 或 or SM2-with-SM3")] = "Ed25519",
) -> None:
    """换一把新密钥；旧签名仍可核对 Begin a new key; what was signed stays verifiable."""
    from cases.clock import SystemClock
    from recordings.evidence.keys import rotate_key

    with _refusals():
        _say(_line(rotate_key(_directory(), SystemClock().now(), algorithm)))


@app.command()
def revoke(
    fingerprint: Annotated[str, typer.Argument(help="指纹，至少前 8 位 fingerprint or its beginning")],
    reason: Annotated[str, typer.Option(prompt="原因 reason")],
    since: Annotated[str, typer.Option(help="自何时起不再承认 refuse signatures from, ISO 8601")] = "",
) -> None:
    """吊销一把密钥：此后的签名不予承认 Refuse whatever a key signs from now on."""
    from cases.clock import SystemClock
    from recordings.evidence.keys import revoke_key

    with _refusals():
        moment = datetime.fromisoformat(since).astimezone() if since else None
        _say(_line(revoke_key(_directory(), fingerprint, reason, SystemClock().now(), moment)))


@app.command()
def export(path: Annotated[Path, typer.Argument(help="写到哪个文件 where to write")]) -> None:
    """导出可公布的登记簿（只有公钥） Write the register for publication; public keys only."""
    from recordings.evidence.keys import open_register
    from recordings.evidence.manifest import canonical, write_durably

    with _refusals():
        write_durably(path, canonical(open_register(_directory()).content()))
    _say(str(path))
