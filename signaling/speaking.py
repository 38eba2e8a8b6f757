"""Who may speak in the phase that runs: it locks microphones and releases those that a phase has locked.

Who confers in private speaks there whatever the phase: nobody else hears it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from signaling.rights import Right

if TYPE_CHECKING:
    from signaling.live import LiveRoom
    from signaling.participant import Participant


async def apply_phase(live: LiveRoom, people: Iterable[Participant]) -> None:
    """Lock whoever may not speak now, release whom the phase before had locked.

    What the host locked by hand stays locked, whoever gets the word meanwhile.
    """
    for person in people:
        if person.place != "room" or Right.PUBLISH not in person.rights:
            continue
        switch = person.switch("microphone")
        lock = not (live.room.conduct.lets_speak(person.role) or live.room.confers(person))
        if lock == switch.locked or (switch.locked and not switch.by_phase):
            continue
        switch.locked = switch.by_phase = lock
        await live.write(person, sources=person.kept_sources())
        await live.media.lock(person, "microphone", lock)
        live.changed()
