"""Which layers of a camera anybody watches. What nobody does need not be published.

The smallest is always wanted: whoever comes in, and whose network or publisher falls behind, begins with
it at once. A layer that becomes wanted is asked for at once, one that is not any more is let go after a
while only. What the publisher's network does not carry is let go at once.
"""

from collections.abc import Iterable, Iterator

from media.layer import Layer
from media.publication import Publication
from media.subscription import Subscription

# Seconds in which nobody wanted a layer before it is let go.
PATIENCE = 6.0
# Seconds after its first packet in which a camera sends all: their rates become known, people come in.
BEGINNING = 10.0
# Seconds after which a browser that was asked for a layer, and sends none of it, is asked again; half as long
# again after each time. It is told to let go of the layer first: Chromium tries at once how much more its
# network carries when it may send more than before. Our own pages try sooner and without that
# (web/static/js/media/climb.js), and to let go in the midst of it would end what they try.
AGAIN, LONGER, MOST_AGAIN = 9.0, 1.5, 60.0
LET_GO = 0.3
INTERVAL = 0.2


class Attention:
    """Of one Publication. Call `look` a few times a second."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._wanted_at: dict[Layer, float] = {}
        self._began_at: float | None = None
        self._told_at = 0.0
        self._again = AGAIN
        self._has_let_go = False

    def look(self, is_recorded: bool, now: float) -> list[str] | None:
        """The rids that are to be sent, when the publisher has to be told; else None."""
        layers = self._publication.layers
        if len(layers) < 2 or not self._publication.started:
            return None
        if self._began_at is None:
            self._began_at = now
            self._wanted_at = dict.fromkeys(layers, now + BEGINNING)
        for layer in self._watched(is_recorded, now):
            self._wanted_at[layer] = max(now, self._wanted_at[layer])
        changed = [layer for layer in layers if self._turns(layer, now)]
        if changed:
            for layer in changed:
                layer.pause(not layer.paused, now)
            return self._tell([layer for layer in layers if not layer.paused], now)
        return self._ask_again(now)

    def _ask_again(self, now: float) -> list[str] | None:
        """For what does not come though it was asked for."""
        wanted = [layer for layer in self._publication.layers if not layer.paused]
        awaited = [layer for layer in wanted if layer.is_awaited]
        if self._has_let_go:
            return self._tell(wanted, now) if now - self._told_at >= LET_GO else None
        if not awaited:
            self._again = AGAIN
            return None
        if now - self._told_at <= self._again:
            return None
        self._again = min(LONGER * self._again, MOST_AGAIN)
        rest = [layer for layer in wanted if layer not in awaited]
        self._tell(rest or wanted[:1], now)
        self._has_let_go = True
        return [layer.rid for layer in rest or wanted[:1]]

    def _tell(self, layers: list[Layer], now: float) -> list[str]:
        self._told_at, self._has_let_go = now, False
        return [layer.rid for layer in layers]

    def _turns(self, layer: Layer, now: float) -> bool:
        """Whether it is to be taken up again, or let go; what does not come anyway is left to the browser."""
        if layer.withheld:
            return not layer.paused
        if layer.paused:
            return self._wanted_at[layer] >= now
        return now - self._wanted_at[layer] > PATIENCE and layer.present(now)

    def _watched(self, is_recorded: bool, now: float) -> set[Layer]:
        layers = self._publication.layers
        found = {layers[0]}
        for sink in self._publication.sinks:
            if isinstance(sink, Subscription):
                found |= {layer for layer in (sink.aimed_at, sink.layer) if layer is not None}
        if is_recorded:
            found.add(layers[-1])
            if not layers[-1].paused and not layers[-1].present(now):
                found |= set(layers)  # The recorder takes the best of what does come.
        return found


class RoomAttention:
    """Of all Publications of a Room."""

    def __init__(self) -> None:
        self._each: dict[Publication, Attention] = {}
        self._looked_at = float("-inf")

    def look(
        self, publications: Iterable[Publication], is_recorded: bool, now: float
    ) -> Iterator[tuple[Publication, list[str]]]:
        """Whom to tell which rids are to be sent; cheap to ask often."""
        publications = list(publications)
        hurried = any(layer.withheld and not layer.paused for p in publications for layer in p.layers)
        if now - self._looked_at < INTERVAL and not hurried:
            return
        self._looked_at = now
        self._each = {p: self._each.get(p) or Attention(p) for p in publications}
        for publication, attention in self._each.items():
            rids = attention.look(is_recorded, now)
            if rids is not None:
                yield publication, rids
