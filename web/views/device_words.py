"""A check of devices as officials read it in one line."""

from __future__ import annotations

from typing import Any

from scheduling.arrival.device_check import DeviceCheck, Occasion, reasons_of
from scheduling.arrival.line_score import LINE_WORDS

OCCASION_WORDS = {Occasion.BEFORE: "提前检测", Occasion.ENTRANCE: "进入时检测"}


def device_line(row: DeviceCheck | None) -> dict[str, Any]:
    """Shape: {verdict, at, notes: [words]}; without a check verdict and at are None."""
    if row is None:
        return {"verdict": None, "at": None, "notes": []}
    notes = [OCCASION_WORDS[row.occasion], *([row.device] if row.device else []), *reasons_of(row)]
    if row.kbps_up is not None and row.round_trip is not None:
        notes.append(f"上行 {row.kbps_up}、下行 {row.kbps_down or 0} kbit/s，往返 {row.round_trip} 毫秒")
        lost = max(row.loss_up or 0, row.loss_down or 0)
        notes.append(f"丢包 {lost / 10:.1f}%{PATHS.get(row.path, '')}")
    else:
        notes.append(f"网络{LINE_WORDS[row.line]}")
    return {"verdict": row.verdict, "at": row.at, "notes": list(dict.fromkeys(notes))}


PATHS = {"udp": "，UDP", "tcp": "，TCP", "relay": "，经中继"}
