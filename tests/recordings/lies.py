"""Manifests that lie: any value anywhere in place of any other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any


def tell_lie(manifest: dict[str, Any], dice: random.Random, odd: Sequence[Any]) -> None:
    """Replace one value, at any depth, by one of ``odd``."""
    places: list[tuple[Any, Any]] = []
    open_: list[Any] = [manifest]
    while open_:
        value = open_.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        places += [(value, key) for key in keys]
        open_ += [value[key] for key in keys if isinstance(value[key], dict | list)]
    value, key = dice.choice(places)
    value[key] = dice.choice(odd)
