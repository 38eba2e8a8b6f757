"""Whether a publisher's network carries what it sends, by the transport-wide numbers that never came.

A browser finds out by itself that its way up has become narrow, but it takes seconds in which its upper
layers push the sound aside. The server sees it within a few feedbacks, and its page can let go of layers at
once (media/attention.py); the browser's own estimate comes down meanwhile.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from media.layer import Layer

# Shares of what was sent that must be missing, of all windows together and of each of the last ones. A fifth
# lost by chance is not narrow, nor is a pause of the network after which everything goes on.
MISSING, MISSING_LATELY = 0.58, 0.48
# The same where sound takes longer than it did: a queue has filled up on the way.
MISSING_BEHIND, MISSING_BEHIND_LATELY = 0.35, 0.25
WINDOWS, LATELY = 3, 2
# Fewer packets than this prove nothing.
LEAST = 24
# Seconds by which sound is late, how fast the least delay is forgotten with each feedback, and a difference
# that means that the sender's clock has begun anew.
BEHIND, FORGETTING, ANEW = 0.08, 0.0005, 5.0
# Packets missing with which looking begins, and the share with which it ends.
SOME, HARDLY = 3, 0.1
# Seconds for which layers are let go after the last proof; by then Chromium knows by itself.
HOLD = 4.0
# So much of what came may be taken by what is to be sent.
USABLE = 0.8
# Seconds in which a page has let go of a layer and the key frame has come that follows from it.
UNASKED = 0.7


@dataclass(frozen=True, slots=True)
class _Window:
    sent: int
    came: int
    octets: int
    at: float


class Uplink:
    """Of one publish transport. `note` is told after each feedback for which `looks` says so."""

    def __init__(self) -> None:
        self._windows: deque[_Window] = deque(maxlen=WINDOWS)
        self._narrow_until: float | None = None
        self._carried = 0.0
        self._soonest = float("inf")
        # Whether sound takes longer than it did: what is asked for now would stand in its way.
        self.is_behind = False

    def hear(self, transit: float | None) -> None:
        """How long sound takes, in seconds from any beginning; None where there is none. Before `looks`."""
        if transit is None or not -ANEW < transit - self._soonest < ANEW:
            self._soonest = transit if transit is not None else float("inf")
        self._soonest = min(self._soonest + FORGETTING, transit if transit is not None else float("inf"))
        self.is_behind = transit is not None and transit - self._soonest > BEHIND

    def looks(self, sent: int, came: int) -> bool:
        """Whether a feedback about `sent` packets of which `came` arrived is worth a closer look."""
        return sent - came >= SOME or bool(self._windows) or self._narrow_until is not None

    def note(self, sent: int, came: int, octets: int, now: float) -> float | None:
        """`octets`: all that were ever received. Bit/s that may be sent; None where nothing is narrow."""
        windows = self._windows
        if sent - came < sent * HARDLY:
            windows.clear()
        else:
            windows.append(_Window(sent, came, octets, now))
        if self._is_narrow():
            self._narrow_until = now + HOLD
            self._carried = (octets - windows[0].octets) * 8 / max(0.01, now - windows[0].at)
        if self._narrow_until is not None and now >= self._narrow_until:
            self._narrow_until = None
        return self._carried * USABLE if self._narrow_until is not None else None

    def _is_narrow(self) -> bool:
        if len(self._windows) < LATELY:
            return False
        together, each = MISSING, MISSING_LATELY
        if self.is_behind:
            together, each = MISSING_BEHIND, MISSING_BEHIND_LATELY
        sent, came = sum(w.sent for w in self._windows), sum(w.came for w in self._windows)
        if sent < LEAST or came > sent * (1 - together):
            return False
        return all(0 < w.came <= w.sent * (1 - each) for w in list(self._windows)[-LATELY:])


def withhold(layers: Sequence[Layer], budget: float | None, sound: float, now: float) -> None:
    """Mark which layers of a camera (smallest first) do not fit beside `sound` (bit/s); the first stays."""
    left = None if budget is None else budget - sound
    for layer in layers:
        if left is not None:
            left -= layer.usual
        withheld = layer.rank > 0 and left is not None and left < 0
        if withheld and not layer.withheld:
            # A browser that lets go of a layer begins the others anew; asked before, it begins all of them.
            layers[0].expect_key_frame(now + UNASKED)
        layer.withheld = withheld
