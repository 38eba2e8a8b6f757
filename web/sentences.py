"""What has to be translated, found in the sources; `python -m web.sentences` brings the catalogues up to it.

New sentences come in without a translation, and those that nobody says any more go. Nothing is fetched.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from cases.vocabulary import VOCABULARY
from web.language import ENGLISH, LOCALES, files_of
from web.marking import WORD, mark

WEB = Path(__file__).parent
TEXT = r'"((?:[^"\\]|\\.)*)"'
CALL = re.compile(rf"(?<![\w.])(?:t|say|lianxinSay)\((?:\w+ \? )?{TEXT}(?: : {TEXT})?")
# Reasons offered to whoever has none at hand go into the record as they stand: Chinese, as all of it.
RECORDED = re.compile(r"choices: \[[^\]]*\]")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.S | re.M)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`')


def of_template(path: Path) -> list[str]:
    """Sentences of one template."""
    return mark(path.read_text("utf-8"))[1]


def of_module(path: Path) -> tuple[list[str], list[str]]:
    """Sentences of one module that are marked, and Chinese in it that is not."""
    code = COMMENT.sub("", path.read_text("utf-8"))
    marked = [text for found in CALL.findall(code) for text in found if WORD.search(text)]
    rest = RECORDED.sub("", CALL.sub("", code))
    return marked, [text for text in STRING.findall(rest) if WORD.search(text)]


def of_python(path: Path) -> Iterator[str]:
    """Chinese that a module of Python tells, `{0}` for values; not what it logs or explains."""
    tree = ast.parse(path.read_text("utf-8"))
    beside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.startswith(("logger.", "re.compile")):
            beside |= {id(each) for each in ast.walk(node)}
        elif isinstance(node, ast.JoinedStr):
            beside |= {id(each) for each in node.values}
    for node in ast.walk(tree):
        text = "" if id(node) in beside else _text_of(node)
        if WORD.search(text):
            yield text


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        places = iter(range(len(node.values)))
        parts = (
            each.value if isinstance(each, ast.Constant) else f"{{{next(places)}}}" for each in node.values
        )
        return "".join(str(part) for part in parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def of_vocabulary() -> Iterator[str]:
    """Every word of every state."""
    for table, rows in VOCABULARY.items():
        for word in rows.values():
            # What is sent by SMS is a record, in Chinese.
            citizen = "" if table == "sms" else word.citizen
            yield from (text for text in (word.official, citizen, word.short, word.effect) if text)


def update(language: str = ENGLISH) -> dict[str, int]:
    """Write the catalogues of templates and modules anew; how many sentences of each have no translation."""
    wanted = {
        "pages": {text for path in (WEB / "templates").rglob("*.html") for text in of_template(path)},
        "browser": {text for path in (WEB / "static/js").rglob("*.js") for text in of_module(path)[0]},
    }
    left = {}
    for domain, sentences in wanted.items():
        found: dict[Path, Catalog] = {}
        for path in files_of(domain, language):
            with path.open("rb") as file:
                found[path] = read_po(file, locale=language)
        for catalogue in found.values():
            for gone in [each.id for each in catalogue if each.id and each.id not in sentences]:
                catalogue.delete(gone)
        for text in sentences:
            if not any(text in catalogue for catalogue in found.values()):
                found[LOCALES / language / f"{domain}.po"].add(text)
        for path, catalogue in found.items():
            _write(catalogue, path)
        texts = (each for catalogue in found.values() for each in catalogue if each.id)
        left[domain] = sum(1 for each in texts if not each.string)
    return left


def _write(catalogue: Catalog, path: Path) -> None:
    with path.open("wb") as file:
        write_po(file, catalogue, width=0, sort_output=True)


if __name__ == "__main__":
    for name, count in update().items():
        print(f"{name}.po: 还有 {count} 句没有翻译 sentences without a translation")
