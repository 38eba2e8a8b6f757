"""Templates are written in plain Chinese; this marks their texts for gettext while they are compiled.

What stands between tags, in an attribute or as a literal of an expression and holds Chinese becomes
`_("…")`. A `{{ value }}` inside a sentence becomes a placeholder of it, so that another language may put it
elsewhere. So no text of a template can be left unmarked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jinja2.ext import Extension

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
WORD = re.compile(r"[\u4e00-\u9fff]")
JINJA = re.compile(r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\})", re.S)
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
NAME = re.compile(r"[A-Za-z_]\w*")
# Pictures and hidden fields beside a sentence are no part of it.
BESIDE = re.compile(r"\{\{-?\s*(icon|badge|state_badge|csrf|error|moment|author)\(")


def mark(source: str) -> tuple[str, list[str]]:
    """The source with its texts marked, and these texts in order."""
    marker = _Marker()
    for place, token in enumerate(JINJA.split(source)):
        marker.take(token, place % 2 == 1)
    marker.flush()
    return "".join(marker.out), marker.messages


class Marked(Extension):
    """Marks every template of an environment; `_` has to be among its globals."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source as it is compiled. Plain text stays as it is: its line breaks mean something."""
        return source if name is not None and name.endswith(".txt") else mark(source)[0]


@dataclass
class _Marker:
    out: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    inside_tag: bool = False
    # Texts and `{{ }}` since the last tag, quote or statement.
    parts: list[tuple[str, bool]] = field(default_factory=list)

    def take(self, token: str, jinja: bool) -> None:
        if not jinja:
            self._text(token)
        elif token.startswith("{{"):
            self.parts.append((token, True))
        else:
            self.flush()
            self.out.append(token if token.startswith("{#") else self._literals(token))

    def _text(self, text: str) -> None:
        """Tags, and the quotes of their attributes, end a sentence."""
        for piece in re.split(r'([<>"])', text):
            border = piece == "<" or (self.inside_tag and piece in (">", '"'))
            if border:
                self.flush()
                self.out.append(piece)
                self.inside_tag = piece != ">"
            elif piece:
                self.parts.append((piece, False))

    def flush(self) -> None:
        """Write down what was collected, as one message if it holds words."""
        parts, self.parts = self.parts, []
        if not any(CHINESE.search(text) for text, jinja in parts if not jinja):
            self.out += [self._literals(text) if jinja else text for text, jinja in parts]
            return
        before: list[tuple[str, bool]] = []
        after: list[tuple[str, bool]] = []
        while parts and (parts[0][0].isspace() or BESIDE.match(parts[0][0])):
            before.append(parts.pop(0))
        while parts and (parts[-1][0].isspace() or BESIDE.match(parts[-1][0])):
            after.insert(0, parts.pop())
        self.out += [self._literals(text) if jinja else text for text, jinja in before]
        self._message(parts)
        self.out += [self._literals(text) if jinja else text for text, jinja in after]

    def _message(self, parts: list[tuple[str, bool]]) -> None:
        values: dict[str, str] = {}
        told = ""
        for text, jinja in parts:
            if jinja:
                expression = self._literals(text).strip("{}-").strip()
                name = _name_of(text, expression, values)
                values[name] = expression
                told += f"%({name})s"
            else:
                told += text.replace("%", "%%")
        start, end = len(told) - len(told.lstrip()), len(told.rstrip())
        message = re.sub(r"\s+", " ", told[start:end])
        self.messages.append(message)
        given = "".join(f", {name}=({expression})" for name, expression in values.items())
        self.out.append(f"{told[:start]}{{{{ _({_quoted(message)}{given}) }}}}{told[end:]}")

    def _literals(self, code: str) -> str:
        """An expression or statement with its Chinese literals marked."""

        def marked(found: re.Match[str]) -> str:
            text = found.group(1) if found.group(1) is not None else found.group(2)
            if not WORD.search(text):
                return found.group(0)
            message = text.replace("%", "%%")
            self.messages.append(message)
            return f"_({_quoted(message)})"

        return LITERAL.sub(marked, code)


def _name_of(source: str, expression: str, taken: dict[str, str]) -> str:
    plain = LITERAL.sub("", source.strip("{}- ").split("|")[0].split("(")[0])
    found = NAME.findall(plain)
    name = found[-1] if found and " " not in plain.strip() else "value"
    number = 2
    while name in taken and taken[name] != expression:
        name = f"{name.rstrip('0123456789')}{number}"
        number += 1
    return name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
