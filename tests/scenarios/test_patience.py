"""Waiting for a browser: as long as was said on a quiet machine, longer where nobody gets a turn."""

from tests.scenarios.browsers import CROWDED, Patience


def rounds(patience: Patience, seconds: float) -> int:
    """How many of that length it lasts."""
    count = 0
    while patience:
        patience.spend(seconds)
        count += 1
    return count


def test_on_a_quiet_machine_it_is_the_seconds_that_were_said() -> None:
    assert rounds(Patience(16.0, 0.125), 0.125) == 128


def test_on_a_crowded_machine_as_many_looks_are_granted_as_time_allows() -> None:
    assert rounds(Patience(16.0, 0.125), 0.5) == 64  # Each counts as a quarter of a second.
    assert rounds(Patience(16.0, 0.125), 4.0) == CROWDED * 16 / 4
