"""The page and the server bring two texts together in the same way."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from scheduling.minutes.merge import merge

MODULE = Path(__file__).parents[2] / "web" / "static" / "js" / "minutes" / "merge.js"
SCRIPT = """
import { merge } from %s;
let text = "";
for await (const piece of process.stdin) text += piece;
console.log(JSON.stringify(JSON.parse(text).map(([a, b, c]) => merge(a, b, c))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; modules are not run")
def test_both_merge_alike() -> None:
    dice = random.Random(5)
    letters = "甲乙丙ab12 。〔〕\n𠮷"

    def grown(text: str) -> str:
        for _ in range(dice.randint(0, 4)):
            at, end = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
            text = text[:at] + "".join(dice.choices(letters, k=dice.randint(0, 3))) + text[min(end, at + 2) :]
        return text

    rows = []
    for _ in range(3000):
        base = "".join(dice.choices(letters, k=dice.randint(0, 10)))
        rows.append([base, grown(base), grown(base)])
    command = ["node", "--input-type=module", "-e", SCRIPT % json.dumps(MODULE.as_uri())]
    done = subprocess.run(
        command, input=json.dumps(rows), capture_output=True, text=True, timeout=30, check=True
    )
    merged = json.loads(done.stdout)
    assert [merge(*row).text for row in rows] == merged
    assert len(set(merged)) > 2000
