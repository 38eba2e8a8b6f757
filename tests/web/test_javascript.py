"""The browser's modules: syntax, size, no markup from text, and the tests of those that need no DOM."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import rjsmin

from web.http.static_files import STATIC_ROOT, minified, served

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "web" / "static" / "js"
FILES = sorted(MODULES.rglob("*.js"))
IMPORT = re.compile(r'^(?:import|export)\b[^"\n]*from "(\.[^"]+)";', re.MULTILINE)
CITIZEN_BUDGET = 80 * 1024  # Unzipped; an old phone on weak 4G reads all of it before the first picture.
CLASSIC = frozenset({"preferences.js", "reading.js", "headings.js"})
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


# Reads {name: [kind, text]} and writes {name: what is wrong with it}; nothing is run.
CHECK = """
const vm = require("vm");
const wrong = {};
for (const [name, [kind, text]] of Object.entries(JSON.parse(require("fs").readFileSync(0, "utf-8")))) {
  try { kind === "script" ? new vm.Script(text) : new vm.SourceTextModule(text); }
  catch (error) { wrong[name] = String(error); }
}
console.log(JSON.stringify(wrong));
"""


def syntax_errors(scripts: dict[str, tuple[str, str]]) -> dict[str, str]:
    command = ["node", "--no-warnings", "--experimental-vm-modules", "-e", CHECK]
    done = subprocess.run(
        command, input=json.dumps(scripts), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    errors: dict[str, str] = json.loads(done.stdout)
    return errors


@needs_node
def test_every_module_parses() -> None:
    def kind(path: Path) -> str:
        return "script" if path.name in CLASSIC else "module"

    scripts = {path.relative_to(MODULES).as_posix(): (kind(path), path.read_text("utf-8")) for path in FILES}
    assert syntax_errors(scripts) == {}
    wrong = {"a.js": ("module", "let a = ;"), "b.js": ("script", "import './a.js';")}
    assert set(syntax_errors(wrong)) == {"a.js", "b.js"}


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
    loaded = reachable(MODULES / "citizen" / "room.js") | {MODULES / name for name in CLASSIC}
    size = sum(len(served(path)) for path in loaded)
    assert size <= CITIZEN_BUDGET, f"{size} bytes"


# Reads [[before, after], …] and writes which pairs are not the same program. The parser is node's own.
SAME_PROGRAM = """
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
const shape = (key, value) => ["start", "end", "raw"].includes(key) ? undefined
  : typeof value === "bigint" ? `${value}n` : value;
const tree = (text) => {
  try { return JSON.stringify(parse(text, { ecmaVersion: "latest", sourceType: "module" }), shape); }
  catch (error) { return String(error); }
};
const pairs = JSON.parse(require("fs").readFileSync(0, "utf-8"));
console.log(JSON.stringify(pairs.map(([a, b]) => tree(a) === tree(b))));
"""
TRICKY = (
    "const a = `x  ${ y /* c */ }  // z\n  t`; // hi\n",
    'const r = /[/"`]\\/  \\/ /g; if (a) /x  y\\/\\/z/.test(b);\n',
    "const n = `a ${ b ? '  /* c */' : d }  e`;\n",
    "const n = `a ${ b ? `c  // d` : e }  f`;\n",
    "function f() {\n  return\n  1;\n}\nlet i = 1\nlet j = i\n++j\n",
    "class C {\n  #a = {}\n  static #b = 1\n  async *[Symbol.iterator]() { yield  1 }\n}\n",
)


def same_programs(pairs: list[tuple[str, str]]) -> list[bool]:
    command = ["node", "--expose-internals", "-e", SAME_PROGRAM]
    done = subprocess.run(
        command, input=json.dumps(pairs), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    assert isinstance(verdicts, list)
    return verdicts


@needs_node
def test_what_is_served_is_the_same_program() -> None:
    scripts = {str(path): path.read_text("utf-8") for path in sorted(STATIC_ROOT.rglob("*.js"))}
    scripts |= {text: text for text in TRICKY}
    pairs = [(text, minified(text)) for text in scripts.values()]
    assert sum(len(after) for _, after in pairs) < 0.8 * sum(len(before) for before, _ in pairs)
    verdicts = dict(zip(scripts, same_programs(pairs), strict=True))
    assert [name for name, same in verdicts.items() if not same] == []
    nested = "const n = `a ${ b ? `c  // d` : e }  f`;\n"
    others = [("a = `x  y`", "a = `x y`"), ("a = 1\n++b", "a = 1 ++b"), (nested, rjsmin.jsmin(nested))]
    assert same_programs(others) == [False, False, False]


def test_templates_have_no_inline_script_or_style() -> None:
    for path in (ROOT / "web" / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", text), path
        for tag in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in tag or "application/json" in tag, path
