"""A person in a live room: durable facts of the seat, and what only lasts while the room lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cases.fields import mask_name
from signaling.commands import Scalar, Source
from signaling.pushes import MediaNeeds, MediaState, Offer, ParticipantView, Presence, SourceView
from signaling.quality import Quality
from signaling.queue_views import WaitView
from signaling.rights import CITIZEN_ROLES, Right, is_official, rights_of
from signaling.times import wire_time

HELD = timedelta(minutes=5)
# Seconds without a packet on a transport that stands (robustness section 0, rule 5).
SILENT_AFTER = 3
VEILED = "已屏蔽"


@dataclass
class SourceSwitch:
    """One source: does the worker receive it, does its owner want it, did the host lock it, or the phase."""

    published: bool = False
    enabled: bool = True
    locked: bool = False
    by_phase: bool = False


@dataclass
class Participant:
    """Given: identity and role. Kept in the seat: place to device. The rest lives in memory only.

    `role` is the one in the room, `invited_as` that of the invitation; they differ when the host's part was
    passed on. `called_at` is since when a call waits for an answer, `note` what the waiting person reads.
    `away_since` is kept in the seat; `place_lost` after too long away.
    """

    id: str
    invitation_id: str
    name: str
    role: str
    tier: str | None
    organisation: str | None
    place: str
    joined_at: datetime
    number: str = ""
    queued_at: datetime | None = None
    left_at: datetime | None = None
    hand_raised_at: datetime | None = None
    sources: dict[Source, SourceSwitch] = field(default_factory=dict)
    ready: bool = False
    device: dict[str, Scalar] | None = None

    invited_as: str = ""
    called_at: datetime | None = None
    note: str = ""
    # By policy; else the names of citizens are masked for this person.
    knows_names: bool = True
    # Screened: no picture, and no sound before their page has said that it alters the voice.
    veiled: bool = False
    voice_altered: bool = False
    connected: bool = False
    absent_since: datetime | None = None
    away_since: datetime | None = None
    place_lost: bool = False
    wait: WaitView | None = None
    pointed_at: float = 0.0
    vanished: bool = False
    hidden: bool = False
    publish_state: MediaState = "none"
    subscribe_state: MediaState = "none"
    pending_offer: Offer | None = None
    publishing: bool = False
    level: int = -127
    speaking: bool = False
    quality: Quality = field(init=False)

    def __post_init__(self) -> None:
        self.quality = Quality(self.id)
        self.invited_as = self.invited_as or self.role

    @property
    def official(self) -> bool:
        """Does this person sit on the offices' side?"""
        return is_official(self.role)

    @property
    def rights(self) -> frozenset[Right]:
        """Rights of the role."""
        return rights_of(self.role)

    @property
    def present(self) -> bool:
        """Not gone on purpose."""
        return self.left_at is None

    def presence(self, now: datetime) -> Presence:
        """The WebSocket, as others see it."""
        if self.connected and not self.vanished:
            return "away" if self.stepped_away else "connected"
        if self.connected:
            return "reconnecting"
        recent = self.absent_since is not None and now - self.absent_since < HELD
        return "reconnecting" if recent and not self.stepped_away else "away"

    @property
    def stepped_away(self) -> bool:
        """Out of the waiting room for a moment, and not back yet."""
        return self.away_since is not None

    @property
    def silent(self) -> bool:
        """Did the worker stop hearing from every transport of this person that stood?"""
        states = {self.publish_state, self.subscribe_state}
        return "silent" in states and "connected" not in states

    def switch(self, source: Source) -> SourceSwitch:
        """The state of a source, made on first use."""
        return self.sources.setdefault(source, SourceSwitch())

    def blocked(self, source: Source) -> bool:
        """Whether the worker drops the source: the host or the phase locked it, or the person is screened."""
        unheard = source != "microphone" or not self.voice_altered
        return (self.veiled and unheard) or (source in self.sources and self.sources[source].locked)

    def kept_sources(self) -> dict[str, dict[str, bool]]:
        """What the seat remembers of the sources."""
        return {
            source: {"enabled": switch.enabled, "locked": switch.locked, "by_phase": switch.by_phase}
            for source, switch in self.sources.items()
        }

    @property
    def answered(self) -> bool:
        """Did media come up in one direction at least?"""
        return "connected" in (self.publish_state, self.subscribe_state)

    def lose_media(self) -> None:
        """The worker forgot this person: nothing is published, no transport stands."""
        self.publish_state = self.subscribe_state = "none"
        self.pending_offer = None
        self.level, self.speaking = -127, False
        self.quality.quiet = 0
        for switch in self.sources.values():
            switch.published = False

    def media_needs(self, publish_alive: bool, subscribe_alive: bool) -> MediaNeeds:
        """What must be negotiated, given what the client says still runs."""
        if self.place != "room":
            return MediaNeeds(publish_needed=False, subscribe_needed=False)
        published = publish_alive and self.publish_state in ("connected", "silent")
        subscribed = subscribe_alive and self.subscribe_state in ("connected", "silent")
        return MediaNeeds(
            publish_needed=Right.PUBLISH in self.rights and not published,
            subscribe_needed=not subscribed,
        )

    @property
    def media(self) -> MediaState:
        """The publish transport as others see it: also one that stands but carries nothing is silent."""
        starved = self.publish_state == "connected" and self.quality.quiet >= SILENT_AFTER
        return "silent" if starved else self.publish_state

    def name_for(self, named: bool) -> str:
        """The name as people read it who know citizens by name, or who do not."""
        return self.name if named or self.invited_as not in CITIZEN_ROLES else mask_name(self.name)

    def view(self, now: datetime, for_official: bool = False, named: bool = True) -> ParticipantView:
        """As everybody in the room sees them; the figures of their network are for officials."""
        return ParticipantView(
            participant_id=self.id,
            name=self.name_for(named) if for_official or not self.veiled else VEILED,
            role=self.role,
            tier=self.tier,
            organisation=self.organisation if for_official or not self.veiled else None,
            presence=self.presence(now),
            media=self.media,
            sources={
                source: SourceView(switch.published, switch.enabled, self.blocked(source))
                for source, switch in self.sources.items()
            },
            hand_raised_at=wire_time(self.hand_raised_at),
            speaking=self.speaking,
            hidden=self.hidden,
            quality=self.quality.view() if for_official else None,
            veiled=self.veiled,
        )
