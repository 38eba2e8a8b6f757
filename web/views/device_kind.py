"""The kind of a device in words, as its browser tells: for officials, never for recognising it."""

from __future__ import annotations

import re

_TABLET = re.compile(r"iPad|Tablet|Android(?!.*Mobile)", re.IGNORECASE)
_PHONE = re.compile(r"Mobile|iPhone|Android|HarmonyOS|OpenHarmony", re.IGNORECASE)


def device_kind(user_agent: str) -> str:
    """`手机`, `平板` or `电脑`, with `·微信` inside WeChat."""
    text = user_agent[:500]
    kind = "平板" if _TABLET.search(text) else "手机" if _PHONE.search(text) else "电脑"
    return f"{kind}·微信" if "MicroMessenger" in text else kind
