"""A killed media worker is back soon because its process imports nothing but what packets need."""

from __future__ import annotations

import subprocess
import sys

# Each of these costs a busy machine seconds; none of them touches a packet.
NOT_HERE = (
    "sqlalchemy",
    "alembic",
    "aiohttp",
    "jinja2",
    "PIL",
    "typer",
    "rich",
    "argon2",
    "psycopg",
    "cases",
)


def test_the_media_process_imports_no_pages_and_no_database() -> None:
    code = "import sys, web.processes.media_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "media" in loaded and not loaded & set(NOT_HERE)


def test_a_setting_that_cannot_be_used_is_said_plainly() -> None:
    command = [sys.executable, "-m", "web.processes.media_process", "media-worker", "0"]
    done = subprocess.run(command, env={"LIANXIN_MEDIA_PORT": "none"}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "LIANXIN_MEDIA_PORT" in done.stderr and "Traceback" not in done.stderr
