"""The house stands as drawn: imports point down, no floor is skipped upwards, no file takes everything in."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Package -> the packages of ours it may import (docs/architecture.md, "The house").
ALLOWED = {
    "media": set(),
    "cases": set(),
    "scheduling": {"cases"},
    "recordings": {"scheduling", "cases", "media"},
    "signaling": {"recordings", "scheduling", "cases", "media"},
    "web": {"signaling", "recordings", "scheduling", "cases", "media"},
    "bench": {"signaling", "recordings", "scheduling", "cases", "media"},
}
# The same inside a package: folder -> the folders it may import. What lies beside the folders (in recordings/
# the row, its lease, alarms, the worker; in scheduling/ session, invitation, link) belongs to all of them.
ROOMS: dict[str, dict[str, set[str]]] = {
    "recordings": {
        "capture": set(),
        "evidence": {"capture"},
        "archive": {"evidence", "capture"},
        "film": {"archive", "evidence", "capture"},
        "playback": {"film", "archive", "evidence", "capture"},
        "review": {"archive", "evidence"},
        "packages": {"review", "archive", "evidence", "capture"},
        "watch": {"archive", "evidence", "capture"},
    },
    "scheduling": {
        "incidents": set(),
        "notices": {"booking", "rota"},
        # A reception day is cut into slots, and a slot knows its day: these two know one another.
        "booking": {"rota"},
        "rota": {"booking"},
        "calendars": {"booking", "rota"},
        "sessions": {"booking", "incidents", "notices", "rota"},
        "minutes": {"sessions"},
        "arrival": {"minutes", "booking", "notices", "incidents"},
        "materials": {"arrival", "incidents"},
        "requests": {"arrival", "booking", "incidents", "notices"},
        "intake": {"arrival", "materials", "notices"},
        "afterwards": {"arrival", "minutes", "incidents"},
    },
}
FORBIDDEN_NAMES = {"utils", "util", "common", "core", "helpers", "misc", "base_utils"}
LONGEST_FILE = 400
# A file over the ceiling says why in a comment that starts like this.
REASON = "Longer than 400 lines because"
# The only files in which the packet path may wait for something.
PACKET_PATH = [
    "media/router.py",
    "media/publication.py",
    "media/subscription.py",
    "media/resends.py",
    "media/renumber.py",
    "media/cache.py",
    "media/loss.py",
    "media/sequence.py",
    "media/rtp.py",
    "recordings/capture/recorder.py",
]


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """Our own top-level packages that a file imports, wherever in the file it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found & (set(ALLOWED) | {"tests"})


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_point_down(package: str) -> None:
    files = python_files(package)
    assert len(files) > 1, f"{package} is empty"
    wrong = [
        f"{path.relative_to(ROOT)} imports {sorted(upward)}"
        for path in files
        if (upward := imported_packages(path) - ALLOWED[package] - {package})
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("package", "room"), [(package, room) for package in sorted(ROOMS) for room in sorted(ROOMS[package])]
)
def test_rooms_know_only_those_below(package: str, room: str) -> None:
    folder, rooms = ROOT / package / room, ROOMS[package]
    imported = {
        (path.name, node.module.split(".")[1])
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}.")
        if node.module is not None
    }
    assert {(name, other) for name, other in imported if other in set(rooms) - rooms[room] - {room}} == set()
    folders = {path.name for path in (ROOT / package).iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(rooms)


def test_the_rule_notices_an_upward_import(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text("def f():\n    from web.app import create_app\n")
    assert imported_packages(path) == {"web"}


def test_no_drawer_for_odds_and_ends() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in ALLOWED
        for path in (ROOT / package).rglob("*")
        if path.stem in FORBIDDEN_NAMES
    ]
    assert wrong == []


def tracked(*patterns: str) -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).exists()]


def test_no_file_is_a_place_where_everything_comes_to_rest() -> None:
    wrong = []
    for path in tracked("*.py", "*.js", "*.css"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LONGEST_FILE and REASON not in text:
            wrong.append(f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines and gives no reason")
    assert wrong == []


@pytest.mark.parametrize("name", PACKET_PATH)
def test_the_packet_path_never_awaits(name: str) -> None:
    path = ROOT / name
    assert path.exists(), f"{name} is named here as part of the packet path but is gone"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waiting = [n.lineno for n in ast.walk(tree) if isinstance(n, (ast.AsyncFunctionDef, ast.Await))]
    assert waiting == []


def test_private_names_of_the_media_libraries_stay_behind_one_door() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("media")
        if path.name != "aiortc_port.py"
        and re.search(r"(from|import) (aiortc|pylibsrtp)\b", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_pages_fetch_nothing_from_foreign_servers() -> None:
    """The interface works in a network without the internet (PIPL article 36 as well)."""
    wrong = []
    for path in tracked("web/*.html", "web/*.js", "web/*.css", "web/*.svg"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"(src|href|url|import|fetch)\W{1,4}https?://", line):
                wrong.append(f"{path.relative_to(ROOT)}: {line.strip()[:80]}")
    assert wrong == []


def test_no_inline_script_or_style() -> None:
    """A strict content security policy would break them; better to learn it here."""
    wrong = []
    for path in tracked("web/templates/*.html", "web/templates/**/*.html"):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(
            r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|\sstyle=|\son[a-z]+=\"", text
        ):
            wrong.append(f"{path.relative_to(ROOT)}: {match.group(0)}")
    assert wrong == []


def test_nothing_swallows_a_cancellation() -> None:
    """Python 3.11's wait_for drops a cancel that meets its answer; then close() waits for ever."""
    wrong = [
        str(path.relative_to(ROOT))
        for package in ALLOWED.keys() - {"bench"}
        for path in python_files(package)
        if re.search(r"\bwait_for\(|suppress\(.*CancelledError", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
