"""The ``openssl`` program, for what the library ``cryptography`` does not offer."""

from __future__ import annotations

import os
import subprocess

_SECONDS = 10


def run_openssl(arguments: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run it with ``data`` on its input; blocks. Raises OSError where it is missing or does not answer."""
    try:
        return subprocess.run(
            ["openssl", *arguments],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(str(error)) from error


def last_line(errors: bytes) -> str:
    """The last thing it complained of."""
    return (errors.decode(errors="replace").strip().splitlines() or ["openssl"])[-1]
