"""What one Subscription sends again because its browser missed it (NACK, RFC 4585 section 6.2.1)."""

from collections.abc import Callable

from media.allowance import Budget
from media.layer import Layer
from media.renumber import Renumber
from media.repair import RepairOut
from media.rtp import Packet
from media.vp8 import PictureNumbers

# At most so many packets in a burst, and so many a second; beyond that NACKs are ignored.
BURST = 300
RATE = 300.0


class Resends:
    """Given: the numbers under which packets went out, and `send`, which sends one under such a number.

    What is missing goes out under the SSRC of `repair` where the browser has agreed to that, else as it was.
    """

    def __init__(self, renumber: Renumber, send: Callable[[Packet, int], None]) -> None:
        self.count = 0
        self.repair: RepairOut | None = None
        self._renumber = renumber
        self._send = send
        self._budget = Budget(BURST, RATE)

    def answer(
        self, numbers: tuple[int, ...], layer: Layer, pictures: PictureNumbers | None, now: float
    ) -> None:
        """Send again what the layer still has, as far as the allowance goes."""
        self._budget.refill(now)
        for number in numbers[:BURST]:
            if not self._budget.left:
                return
            index = self._renumber.original(number)
            packet = layer.recall(index) if index is not None else None
            if packet is not None:
                self._budget.spend()
                self.count += 1
                self._again(packet, number, pictures)

    def _again(self, packet: Packet, number: int, pictures: PictureNumbers | None) -> None:
        if self.repair is None or packet.orientation is not None:
            self._send(packet, number)
            return
        payload = packet.payload if pictures is None else pictures.translate(packet.payload)
        self.repair.send(packet.marker, number, self._renumber.timestamp(packet.timestamp), payload)
