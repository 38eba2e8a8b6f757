"""The browser's modules: syntax, size, no markup from text, and the tests of those that need no DOM."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "web" / "static" / "js"
FILES = sorted(MODULES.rglob("*.js"))
IMPORT = re.compile(r'^(?:import|export)\b[^"\n]*from "(\.[^"]+)";', re.MULTILINE)
CITIZEN_BUDGET = 80 * 1024  # Unzipped; an old phone on weak 4G reads all of it before the first picture.
needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; modules are not run"
)


def reachable(entry: Path) -> set[Path]:
    """The module and everything it imports statically."""
    found: set[Path] = set()
    todo = [entry.resolve()]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += [(path.parent / name).resolve() for name in IMPORT.findall(path.read_text("utf-8"))]
    return found


@needs_node
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(MODULES).as_posix())
def test_parses(path: Path) -> None:
    kind = "commonjs" if path.name == "preferences.js" else "module"
    command = ["node", f"--input-type={kind}", "--check"]
    done = subprocess.run(command, input=path.read_bytes(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()


@needs_node
def test_modules_without_dom_do_what_they_say() -> None:
    files = sorted(str(path) for path in (ROOT / "tests" / "web" / "js").glob("*.test.mjs"))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(MODULES).as_posix())
def test_text_never_becomes_markup_and_files_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", text)
    assert len(text.splitlines()) <= 400


def test_every_import_exists() -> None:
    missing = [str(path) for entry in FILES for path in reachable(entry) if not path.is_file()]
    assert missing == []


def test_a_citizen_loads_little() -> None:
    size = sum(path.stat().st_size for path in reachable(MODULES / "citizen" / "room.js"))
    assert size <= CITIZEN_BUDGET, f"{size} bytes"


def test_templates_have_no_inline_script_or_style() -> None:
    for path in (ROOT / "web" / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", text), path
        for tag in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in tag or "application/json" in tag, path
