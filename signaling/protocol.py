"""The signaling protocol, version 1: codes, strict parsing, dumping. The prose is docs/protocol.md.

The messages themselves stand in commands.py (client to server) and pushes.py (server to client).
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields, is_dataclass
from enum import IntEnum, StrEnum
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from signaling import (
    commands,
    mark_pushes,
    material_commands,
    material_pushes,
    minutes_commands,
    minutes_pushes,
    pushes,
)
from signaling.commands import Command
from signaling.pushes import Ok, Push

COMMANDS = {**commands.COMMANDS, **minutes_commands.COMMANDS, **material_commands.COMMANDS}
PUSHES = {**pushes.PUSHES, **minutes_pushes.PUSHES, **mark_pushes.PUSHES, **material_pushes.PUSHES}

VERSION = 1
FRAME_LIMIT = 64 * 1024
ID_LIMIT = 2**31 - 1
TEXT_LIMIT = 4096


class ErrorCode(StrEnum):
    """Why a command was refused. Codes of the use cases below (RuleError) pass through as they are."""

    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    BAD_STATE = "bad_state"
    BAD_SDP = "bad_sdp"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    TOO_FAST = "too_fast"
    NOT_AUTHENTICATED = "not_authenticated"
    TICKET_INVALID = "ticket_invalid"
    UNSUPPORTED_VERSION = "unsupported_version"
    STAGE_TAKEN = "stage_taken"
    MEDIA_UNAVAILABLE = "media_unavailable"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"


class CloseCode(IntEnum):
    """Why a connection was closed (RFC 6455 section 7.4.1; 4000 and above are ours)."""

    DONE = 1000
    GOING_AWAY = 1001
    NOT_TEXT = 1003
    NOT_UTF8 = 1007
    POLICY = 1008
    TOO_LARGE = 1009
    TRY_AGAIN = 1013
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    TOO_LATE = 4408
    REPLACED = 4409
    REMOVED = 4410
    TOO_FAST = 4429


class ProtocolError(Exception):
    """A message we do not accept: a stable code, a sentence for the person, the id if there was one."""

    def __init__(self, code: str, message: str, request_id: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id


def parse(text: str) -> Command:
    """Read one frame. Unknown, missing, extra or wrongly typed fields, NaN and double keys are refused."""
    data = _load(text)
    request_id = data.get("id") if _is_id(data.get("id")) else None
    try:
        return _build(data)
    except ProtocolError as error:
        error.request_id = request_id
        raise


def dump(message: Push) -> str:
    """One frame for the wire, with `type` first."""
    body: dict[str, Any] = {"type": TYPE_NAMES[type(message)]}
    body.update(plain(message))
    if isinstance(message, Ok) and message.sdp is None:
        del body["sdp"]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


TYPE_NAMES: dict[type[Push], str] = {kind: name for name, kind in PUSHES.items()}


@cache
def shape(kind: Any) -> dict[str, Any]:
    """Wire field name -> Python type of a message class or view class."""
    hints = get_type_hints(kind)
    return {item.name.rstrip("_"): hints[item.name] for item in fields(kind)}


def _load(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(ErrorCode.BAD_MESSAGE, "消息格式不正确") from error
    if not isinstance(data, dict):
        raise ProtocolError(ErrorCode.BAD_MESSAGE, "消息格式不正确")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value <= ID_LIMIT


def _build(data: dict[str, Any]) -> Command:
    name = data.pop("type", None)
    if not isinstance(name, str):
        raise _bad("type")
    kind = COMMANDS.get(name)
    if kind is None:
        raise ProtocolError(ErrorCode.UNKNOWN_TYPE, "不认识的消息类型")
    types: dict[str, Any] = shape(cast(Any, kind))
    for extra in data.keys() - types.keys():
        raise _bad(extra)
    values = {item.name: _value(data, item.name, types[item.name], item.metadata) for item in fields(kind)}
    return kind(**values)


def _value(data: dict[str, Any], name: str, expected: Any, limits: Any) -> Any:
    value = data.get(name, MISSING)
    if value is MISSING or not _matches(value, expected):
        raise _bad(name)
    if limits and not limits["minimum"] <= len(value) <= limits["maximum"]:
        raise ProtocolError(limits["code"], f"字段 {name} 的长度不合要求")
    return value


def _matches(value: Any, expected: Any) -> bool:
    """Does the JSON value have exactly this type? True is not an integer, 1 is not a float."""
    origin = get_origin(expected)
    if origin is Literal:
        return isinstance(value, str) and value in get_args(expected)
    if origin in (Union, UnionType):
        return any(_matches(value, option) for option in get_args(expected))
    if origin is dict:
        return _matches_object(value, get_args(expected)[1])
    if origin is list:
        return isinstance(value, list) and all(_matches(item, get_args(expected)[0]) for item in value)
    if expected is int:
        return type(value) is int and -ID_LIMIT <= value <= ID_LIMIT
    if expected is str:
        return isinstance(value, str) and _is_storable(value)
    return type(value) is expected


def _matches_object(value: Any, expected: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return all(
        len(key) <= 64 and _is_storable(key) and _matches(item, expected) and _is_short(item)
        for key, item in value.items()
    )


def _is_short(value: Any) -> bool:
    return not isinstance(value, str) or len(value) <= TEXT_LIMIT


def _is_storable(text: str) -> bool:
    """No NUL and no lone surrogate: PostgreSQL takes neither, UTF-8 not the second."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _bad(name: str) -> ProtocolError:
    shown = name if name.isidentifier() and len(name) <= 40 else "?"
    return ProtocolError(ErrorCode.BAD_MESSAGE, f"消息里的字段 {shown} 不正确")


def plain(value: Any) -> Any:
    """A message class or view as JSON takes it."""
    if is_dataclass(value):
        return {item.name.rstrip("_"): plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
