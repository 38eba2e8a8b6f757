"""Whoever imports a program's beginning knows every table that its rows refer to."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import importlib, sys
importlib.import_module(sys.argv[1])
from cases.database import Base
for table in Base.metadata.tables.values():
    for key in table.foreign_keys:
        key.column
"""


@pytest.mark.parametrize("module", ["web.app", "web.demo.day"])
def test_no_row_refers_to_a_table_that_is_not_known(module: str) -> None:
    """Else the first row of it that is written fails, in that program alone: tests import everything."""
    told = subprocess.run([sys.executable, "-c", LOOK, module], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-600:]
