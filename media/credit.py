"""How much of what was lost may be asked for again.

What comes again takes the place of what is new. On a way up that has become narrow two of three packets are
lost; asked for at once, they keep the sender's queue full for seconds (a browser sends them before anything
new but sound), although the picture they belong to has been given up meanwhile.
"""

# Requests for each packet that came: upper layers, and what there is only one of. A fifth lost both ways, by
# chance, takes 0.3.
SHARE, SHARE_ALONE = 0.4, 1.0
# Requests in a row that need no packets before them: a short hole. Those of a longer one wait for the packets
# behind it, a few hundredths of a second where the network is sound.
MOST, MOST_ALONE = 4.0, 16.0


class RepairCredit:
    """Of one layer of video; `alone`: the smallest, or the only one.

    `take` says how many of the packets that are missing may be asked for.
    """

    def __init__(self, alone: bool) -> None:
        self._share, self._most = (SHARE_ALONE, MOST_ALONE) if alone else (SHARE, MOST)
        self._credit = self._most
        self._received = 0

    def take(self, wanted: int, received: int) -> int:
        """`received`: packets that ever came."""
        self._credit = min(self._most, self._credit + self._share * (received - self._received))
        self._received = received
        taken = min(wanted, int(self._credit))
        self._credit -= taken
        return taken
