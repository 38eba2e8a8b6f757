"""Names of static files, and what a page can ask for in one go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.web.test_javascript import MODULES, reachable
from web.http.static_files import STATIC_ROOT, StaticFiles

TEMPLATES = Path(__file__).parents[2] / "web" / "templates"
ENTRIES = ("citizen/room.js", "citizen/landing.js", "room/console.js")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_page_names_every_module_that_it_will_import(entry: str) -> None:
    files = StaticFiles()
    named = files.modules(f"js/{entry}")
    wanted = {files.url(path.relative_to(STATIC_ROOT).as_posix()) for path in reachable(MODULES / entry)}
    assert set(named) == wanted
    assert len(named) == len(wanted)
    assert named[0] == files.url(f"js/{entry}")


@pytest.mark.parametrize(
    ("template", "entry", "relation"),
    [
        ("citizen/room.html", "citizen/room.js", "modulepreload"),
        ("room/console.html", "room/console.js", "modulepreload"),
        ("citizen/landing.html", "citizen/landing.js", "modulepreload"),
    ],
)
def test_templates_ask_for_them_at_once(template: str, entry: str, relation: str) -> None:
    text = (TEMPLATES / template).read_text("utf-8")
    named = re.findall(r"modules\('js/([^']+)'\) %}<link rel=\"(\w+)\"", text)
    assert (entry, relation) in named


def test_circular_imports_end(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport { c } from "./deep/c.js";\n')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.js").write_text('import { a } from "../a.js";\n')
    files = StaticFiles(tmp_path)
    assert files.modules("a.js") == [files.url(name) for name in ("a.js", "b.js", "deep/c.js")]
