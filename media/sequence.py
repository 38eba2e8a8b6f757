"""Sequence numbers of 16 bits made into integers that only grow (RFC 3550 appendix A.1)."""

HALF = 0x8000
FULL = 0x10000


class Unwrapper:
    """Follows one 16 bit counter. The first index is above 65535, so that earlier packets stay positive."""

    __slots__ = ("highest",)

    def __init__(self) -> None:
        self.highest = -1

    def unwrap(self, number: int) -> int:
        """The index nearest to the highest one seen that ends in these 16 bits."""
        if self.highest < 0:
            self.highest = FULL + number
            return self.highest
        index = nearest(self.highest, number)
        if index > self.highest:
            self.highest = index
        return index


def nearest(reference: int, number: int) -> int:
    """The integer closest to `reference` whose low 16 bits are `number`; forward when exactly between."""
    step = (number - reference) & 0xFFFF
    return reference + (step if step <= HALF else step - FULL)
