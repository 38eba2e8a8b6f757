"""`python -m tests.media.blocked DIRECTORY`: in a namespace that lets no UDP through, two pages meet.

Writes the paths they took to DIRECTORY/paths.json. Started by test_reaching_browsers.py.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bench.netns import ADDRESS, inside_namespace
from tests.media.test_reaching_browsers import connect

RULES = """
table inet blocked {
  chain output { type filter hook output priority 0; meta l4proto udp counter drop; }
  chain input { type filter hook input priority 0; meta l4proto udp counter drop; }
}
"""


def main(directory: Path) -> None:
    assert inside_namespace(), "this would block UDP for the whole machine"
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    paths = asyncio.run(connect(directory, (ADDRESS,), lambda line: True))
    dropped = subprocess.run(
        ["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=True
    ).stdout
    counters = [int(part.split(",")[0].strip(" }]")) for part in dropped.split('"packets":')[1:]]
    (directory / "paths.json").write_text(json.dumps({"paths": paths, "dropped": sum(counters)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
