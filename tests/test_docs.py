"""Documents that fail the build when they fall behind the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recordings.recording import TRANSITIONS as RECORDING_TRANSITIONS
from scheduling.session import TRANSITIONS as SESSION_TRANSITIONS
from web.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/protocol.md",
    "docs/recording-format.md",
    "docs/closing.md",
    "docs/glossary.md",
    "docs/performance.md",
    "docs/packet-path.md",
    "docs/network.md",
    "docs/turn.md",
    "docs/interfaces.md",
]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_inside_the_documents_lead_somewhere(name: str) -> None:
    base = (ROOT / name).parent
    broken = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(name))
        if not target.startswith(("http://", "https://", "mailto:")) and not (base / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_named_in_the_documents_exist(name: str) -> None:
    packages = "media|cases|scheduling|recordings|signaling|web|bench|tests|docs"
    named = re.findall(rf"`((?:{packages})/[\w/.\-]+\.(?:py|md|js|css|html))`", text_of(name))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_readme_names_the_two_commands() -> None:
    readme = text_of("README.md")
    assert "make run" in readme
    assert "make test" in readme


@pytest.mark.parametrize(
    "states",
    [
        pytest.param({str(s) for s in SESSION_TRANSITIONS}, id="session"),
        pytest.param({str(s) for s in RECORDING_TRANSITIONS}, id="recording"),
    ],
)
def test_every_state_is_in_the_architecture_document(states: set[str]) -> None:
    document = text_of("docs/architecture.md")
    assert len(states) > 3
    assert [state for state in sorted(states) if f"`{state}`" not in document] == []


def test_every_setting_is_in_the_readme() -> None:
    # The supervisor hands the descriptor to its child; nobody sets it by hand.
    names = sorted(set(Settings().environment()) - {"LIANXIN_WEB_LISTEN_DESCRIPTOR"})
    assert len(names) > 5
    readme = text_of("README.md")
    assert [name for name in names if f"`{name}`" not in readme] == []


def test_the_glossary_has_one_line_for_each_word() -> None:
    words = re.findall(r"^\| \*\*(\w[\w ]*)\*\* \|", text_of("docs/glossary.md"), re.MULTILINE)
    assert len(words) > 25
    assert sorted({w for w in words if words.count(w) > 1}) == []
