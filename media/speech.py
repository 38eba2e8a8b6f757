"""Who has the floor: one speaker at a time, from loudness with hysteresis; and when the room is told.

Pure; the clock is handed in.

The worker decides, because it sees every level ten times a second: the controller is told of a change,
and neither a steady voice nor silence costs a message.
"""

from collections.abc import Iterable, Mapping

from media.loudness import SILENCE
from media.publication import Publication

# Seconds between looks at the levels, and between messages while the speaker stays the same.
LOOK_INTERVAL = 0.1
LEVELS_INTERVAL = 1.0
# Softer than this is background, in dBov (RFC 6464: 0 is loudest, -127 silence).
AUDIBLE = -50
# Another voice must be louder by this much, in dB: four equal tones do not take turns.
MARGIN = 3
# ... for this long, and whoever has the floor keeps it for a moment, also through a pause. Seconds.
TAKE_AFTER = 0.3
# Between words a voice is soft for this long and is still about to speak.
BETWEEN_WORDS = 0.25
HOLD = 1.0


class Floor:
    """Remembers who speaks and who is about to."""

    __slots__ = ("_candidate", "_candidate_at", "_candidate_since", "_heard_at", "_since", "speaker")

    def __init__(self) -> None:
        self.speaker: str | None = None
        self._since = 0.0
        self._heard_at = 0.0
        self._candidate: str | None = None
        self._candidate_since = 0.0
        self._candidate_at = 0.0

    def hear(self, levels: Mapping[str, int], now: float) -> bool:
        """Take the present level of every open microphone in dBov; True when the speaker changed.

        Whoever is missing in `levels` was muted or has gone, and is released at once.
        """
        before = self.speaker
        self._release(levels, now)
        candidate = self._nominate(levels)
        if candidate is not None:
            if candidate != self._candidate:
                self._candidate, self._candidate_since = candidate, now
            self._candidate_at = now
        elif now - self._candidate_at > BETWEEN_WORDS:
            self._candidate = None
        if candidate is not None and self._may_take(now):
            self.speaker, self._since, self._heard_at = candidate, now, now
            self._candidate = None
        return self.speaker != before

    def _release(self, levels: Mapping[str, int], now: float) -> None:
        if self.speaker is None:
            return
        if levels.get(self.speaker, -127) >= AUDIBLE:
            self._heard_at = now
        if self.speaker not in levels or now - self._heard_at >= HOLD:
            self.speaker = None

    def _nominate(self, levels: Mapping[str, int]) -> str | None:
        """The loudest who beats the speaker; the candidate of last time wins a draw."""
        floor = AUDIBLE
        if self.speaker is not None:
            floor = max(floor, levels[self.speaker] + MARGIN)
        fit = {who: level for who, level in levels.items() if level >= floor and who != self.speaker}
        if not fit:
            return None
        loudest = max(fit, key=lambda who: fit[who])
        kept = self._candidate
        return kept if kept in fit and fit[loudest] - fit[kept] < MARGIN else loudest

    def _may_take(self, now: float) -> bool:
        held = self.speaker is not None and now - self._since < HOLD
        return not held and now - self._candidate_since >= TAKE_AFTER


class RoomSpeech:
    """Looks at the open microphones of a room, and says when its people are to be told."""

    __slots__ = ("_floor", "_looked_at", "_told", "_told_at")

    def __init__(self) -> None:
        self._floor = Floor()
        self._looked_at = float("-inf")
        self._told: dict[str, int] = {}
        self._told_at = float("-inf")

    @property
    def speaker(self) -> str | None:
        """Who has the floor."""
        return self._floor.speaker

    def is_due(self, now: float) -> bool:
        """Whether it is time to `look` again."""
        return now - self._looked_at >= LOOK_INTERVAL

    def look(self, microphones: Iterable[Publication], now: float) -> dict[str, int] | None:
        """The levels by participant, in dBov, when they or the speaker are to be told; None when not."""
        self._looked_at = now
        levels = {p.track.participant_id: -p.loudness.level(now) for p in microphones}
        passed = self._floor.hear(levels, now)
        audible = {who: level for who, level in levels.items() if level > -SILENCE}
        due = now - self._told_at >= LEVELS_INTERVAL
        if not passed and not (due and audible != self._told):
            return None
        self._told, self._told_at = audible, now
        return levels
