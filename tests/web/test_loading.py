"""While modules are loaded nobody looks for garbage, and afterwards somebody does."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from web.processes.loading import loading


def test_garbage_is_looked_for_again_whatever_happened() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_who_names_nobody_loads_no_readings_of_characters() -> None:
    asked = "import sys, recordings.worker; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert {"cases.register.terms", "pypinyin"} & set(said.stdout.split()) == {"cases.register.terms"}
