"""Those who left are put away in a calm moment, and at last in a busy one."""

from __future__ import annotations

from media.sweep import CALM, MOST_LEFT, PATIENCE, Sweep


def test_nothing_is_looked_for_while_nobody_has_left() -> None:
    sweep = Sweep()
    assert not any(sweep.due(0, 0.0, float(second)) for second in range(100))


def test_a_calm_worker_looks_once_after_a_while() -> None:
    sweep = Sweep()
    assert not sweep.due(2, 0.0, 100.0)
    assert not sweep.due(3, 0.0, 100.0 + PATIENCE - 0.1)
    assert sweep.due(3, CALM, 100.0 + PATIENCE)
    assert not sweep.due(3, 0.0, 200.0)
    # And again for the next who leaves, with the same patience.
    assert not sweep.due(4, 0.0, 201.0)
    assert sweep.due(4, 0.0, 201.0 + PATIENCE)


def test_a_busy_worker_waits_until_many_have_left() -> None:
    sweep = Sweep()
    assert not any(sweep.due(MOST_LEFT - 1, 0.9, float(second)) for second in range(60))
    assert sweep.due(MOST_LEFT, 0.9, 60.0)
