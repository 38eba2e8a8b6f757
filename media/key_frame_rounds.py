"""Key frames for whoever opens a recording in the middle: each picture begins anew every twenty seconds.

A browser sends one when somebody who watches asks for it, which may be never in an hour. Who seeks in the
recorded tracks, or cuts a clip, would have to decode from far back.
"""

from collections.abc import Iterable

from media.layer import Layer

# Seconds without a key frame of its own accord after which one is asked for.
EVERY = 20.0
# A request may be lost: asked again after so many seconds.
AGAIN = 5.0


class KeyFrameRounds:
    """Asks on behalf of a recording, one layer at a time so that a room does not send all of them at once.

    Requests go through the layer's own throttle: whoever else asks then is served by the same key frame.
    """

    def __init__(self) -> None:
        self._asked_at: dict[Layer, float] = {}

    def look(self, layers: Iterable[Layer], now: float) -> None:
        """Of these, which are recorded, ask the one that has waited longest, if any has for too long.

        Not where nothing comes, where sound would be held up, and not of what is not a picture.
        """
        recorded = {layer for layer in layers if layer.is_video}
        self._asked_at = {layer: at for layer, at in self._asked_at.items() if layer in recorded}
        due = [layer for layer in recorded if self._is_due(layer, now)]
        if due:
            oldest = min(due, key=lambda layer: layer.key_frame_at)
            self._asked_at[oldest] = now
            oldest.request_key_frame()

    def _is_due(self, layer: Layer, now: float) -> bool:
        if now - layer.key_frame_at < EVERY or now - self._asked_at.get(layer, float("-inf")) < AGAIN:
            return False
        return layer.present(now) and not layer.is_held_up
