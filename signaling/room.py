"""A live room as pure state: no I/O, no clock of its own. Refusals are RuleErrors with stable codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cases.errors import Forbidden, NotFound, RuleError
from scheduling.arrival.waiting_time import Forecast
from scheduling.phases import PHASES, SINGLE
from scheduling.session import OVER, SessionKind
from signaling.commands import Source
from signaling.conduct import Conduct
from signaling.deliberation import Deliberation
from signaling.exhibit import Exhibit
from signaling.marks import Mark
from signaling.participant import Participant
from signaling.protocol import ErrorCode
from signaling.pushes import BadgeState, PhaseView, RecordingView, RoomView, SessionView
from signaling.queue import in_order, lobby_view, lost_place, queue_view
from signaling.queue_views import QueueView
from signaling.rights import Right
from signaling.speeches import Speeches
from signaling.stage import Stage
from signaling.times import wire_time
from signaling.waiting import Waiting, require_waiting


class BadState(RuleError):
    """Not now, or not here."""

    default_code = ErrorCode.BAD_STATE.value
    default_message = "现在不能进行这个操作"


@dataclass
class Sitting:
    """The facts of the Session that the room shows. Times are aware, UTC."""

    id: str
    title: str
    state: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime | None
    host_organisation_id: str
    record: bool
    kind: str = SINGLE
    booked_for: datetime | None = None  # None: arranged for somebody who stood there.

    @property
    def mediates(self) -> bool:
        """It is no reception, and is called none."""
        return self.kind == SessionKind.MEDIATION

    def says(self, words: str) -> str:
        """The house's own words as this sitting is called: a mediation is no reception."""
        return words.replace("接访", "调解") if self.mediates else words

    @property
    def ended(self) -> bool:
        """Nobody can come in any more."""
        return self.state in OVER

    def view(self, now: datetime) -> SessionView:
        """As everybody may know it."""
        return SessionView(
            id=self.id,
            title=self.title,
            state=self.state,
            starts_at=wire_time(self.starts_at),
            ends_at=wire_time(self.ends_at),
            opened_at=wire_time(self.opened_at),
            server_time=wire_time(now),
            phases=[PhaseView(phase.code, phase.title) for phase in PHASES[self.kind]],
        )


@dataclass
class Badge:
    """The recording as everybody sees it: red only after bytes are on disk."""

    state: BadgeState = "off"
    recording_id: str | None = None
    directory: str = ""
    since: datetime | None = None
    bytes: int = 0
    cause: str | None = None
    stalled: list[str] = field(default_factory=list)
    free: int | None = None
    looked_at: datetime | None = None

    def view(self, for_official: bool = False) -> RecordingView:
        """For the wire; how full the disk is concerns officials only."""
        stalled = self.stalled if self.state == "faulty" else []
        free = self.free if for_official else None
        return RecordingView(self.state, wire_time(self.since), self.bytes, self.cause, stalled, free)

    def fault(self, cause: str) -> None:
        """The recorder is gone or failing; the talk goes on. In a pause there is none to fail."""
        if self.recording_id is not None and self.state not in ("paused", "stopped"):
            self.state, self.cause, self.stalled = "faulty", cause, []

    def hear(
        self, state: BadgeState, cause: str | None, size: int, now: datetime, stalled: Iterable[str] = ()
    ) -> bool:
        """Take what the recorder says. True when the state (not only the size) changed."""
        if self.state in ("paused", "stopped"):
            return False
        confirmed = "preparing" if state == "active" and size == 0 else state
        changed = (confirmed, cause) != (self.state, self.cause)
        self.state, self.cause, self.stalled = confirmed, cause, list(stalled)
        self.bytes = max(self.bytes, size)
        if confirmed == "active" and self.since is None:
            self.since = now
        return changed


class Room:
    """Owned: participants by seat id, the badge. Given: the sitting."""

    def __init__(self, sitting: Sitting) -> None:
        self.sitting = sitting
        self.badge = Badge()
        self.people: dict[str, Participant] = {}
        self.speeches = Speeches()
        self.stage = Stage()
        self.conduct = Conduct(sitting.kind)
        self.minutes_shown = False
        self.minutes_state: str | None = None
        self.open_objections = 0  # To the minutes, not answered yet.
        self.deliberation: Deliberation | None = None
        self.exhibit: Exhibit | None = None
        self.strokes_written = 0  # Of the whole sitting, also of what was wiped away.
        self.marks: dict[str, Mark] = {}
        # When this sitting probably begins; None while nobody waits or nobody looked (forecasting.py).
        self.forecast: Forecast | None = None
        self.forecast_at = sitting.starts_at

    # Coming and going

    def take(self, person: Participant) -> Participant:
        """A seat from the database; the one already here wins, with what it knows of its media."""
        self.give_role(person)
        return self.people.setdefault(person.id, person)

    def give_role(self, person: Participant) -> None:
        """The role of the invitation, unless the host's part was passed on."""
        person.role = self.conduct.roles.get(person.id, person.invited_as)

    def connect(self, person: Participant, now: datetime) -> None:
        """A connection was authenticated. Who was away too long goes to the end of the queue."""
        self.tick(now)
        person.connected = True
        # A reload is not a return: who stepped away says so by a tap.
        person.absent_since, person.left_at = person.away_since, None
        person.vanished = person.hidden = False

    def disconnect(self, person: Participant, now: datetime) -> None:
        """The connection dropped; the seat stays."""
        person.connected = False
        person.absent_since = person.absent_since or now

    def leave(self, person: Participant, now: datetime) -> None:
        """Gone on purpose: out of sight, the seat stays."""
        person.left_at = person.absent_since = now
        person.connected = False
        person.hand_raised_at = None
        person.lose_media()

    def step_away(self, person: Participant, now: datetime) -> None:
        """The place in the queue is kept for a while. Raises BadState."""
        require_waiting(person, Waiting.AWAY)
        person.away_since = person.absent_since = now

    def come_back(self, person: Participant) -> None:
        """Back by a tap, with the number there was. Raises BadState."""
        require_waiting(person, Waiting.READY if person.ready else Waiting.CHECKING)
        person.away_since = person.absent_since = None
        person.place_lost = False

    def tick(self, now: datetime) -> bool:
        """Whose connection is gone too long lets the others pass; for who stepped away see waiting.py.

        True when the order is another one.
        """
        before = self.in_lobby()
        for person in before:
            if not person.stepped_away and lost_place(person, now):
                person.queued_at = now
        return before != self.in_lobby()

    def make_ready(self, person: Participant) -> None:
        """The device check is done, or the person is back."""
        person.ready, person.place_lost = True, False
        person.away_since = person.absent_since = None

    # Host's acts

    def find(self, participant_id: str) -> Participant:
        """Somebody of this session. Raises NotFound."""
        person = self.people.get(participant_id)
        if person is None or person.place not in ("lobby", "room"):
            raise NotFound(message="没有找到这位参与人")
        return person

    def waiting(self, participant_id: str) -> Participant:
        """Somebody in the waiting room. Raises NotFound, or BadState when they are elsewhere."""
        person = self.find(participant_id)
        if person.place != "lobby":
            raise BadState(message="这位参与人不在等候室")
        return person

    def inside(self, participant_id: str) -> Participant:
        """Somebody in the room. Raises NotFound, or BadState when they are elsewhere."""
        person = self.find(participant_id)
        if person.place != "room":
            raise BadState(message="这位参与人不在接访室")
        return person

    def movable(self, participant_id: str) -> Participant:
        """Somebody who can be sent back to the waiting room: officials never wait."""
        person = self.inside(participant_id)
        if person.official:
            raise Forbidden(message="工作人员不能移到等候室")
        return person

    def removable(self, participant_id: str) -> Participant:
        """Somebody who can be removed. A host cannot remove a host."""
        person = self.find(participant_id)
        if person.role == "host":
            raise Forbidden(message="不能移出主持人")
        return person

    def admit(self, person: Participant, now: datetime) -> None:
        """From the waiting room into the room."""
        person.place, person.joined_at = "room", now
        person.called_at, person.note = now, ""
        person.away_since, person.place_lost = None, False

    def move_to_lobby(self, person: Participant, now: datetime) -> None:
        """Back to the place that the original waiting time gives."""
        person.place = "lobby"
        person.hand_raised_at = person.called_at = None
        person.queued_at = person.queued_at or now
        person.lose_media()

    def place_behind(self, person: Participant, now: datetime) -> datetime:
        """Since when this person would have to wait to stand one place further back, or first again."""
        others = [other for other in self.in_lobby() if other is not person]
        mine = person.queued_at or now
        behind = [
            other for other in others if (other.queued_at or other.joined_at, other.id) > (mine, person.id)
        ]
        if not behind:
            return mine
        return (behind[0].queued_at or behind[0].joined_at) + timedelta(microseconds=1)

    def place_last(self, person: Participant, now: datetime) -> datetime:
        """Since when this person would have to wait to be the last one."""
        others = [other.queued_at or other.joined_at for other in self.in_lobby() if other is not person]
        return max([now, *(since + timedelta(microseconds=1) for since in others)])

    def give_floor(self, speaker: str | None, now: datetime) -> None:
        """The worker decided who speaks; nobody, or one."""
        for person in self.people.values():
            person.speaking = person.id == speaker
        self.hear_floor(now)

    def hear_floor(self, now: datetime) -> None:
        """Note who has the floor; before the sitting, in pauses and in private that is nobody's business."""
        speaker = next((person.id for person in self.people.values() if person.speaking), None)
        open_floor = self.sitting.state == "live" and self.deliberation is None
        self.speeches.hear(speaker if open_floor else None, now)

    def expel(self, person: Participant) -> None:
        """The seat is lost."""
        self.people.pop(person.id, None)

    # One's own acts

    def unlocked(self, person: Participant, source: Source, enabled: bool) -> None:
        """Raise Forbidden when the owner wants on what the host locked."""
        if enabled and person.blocked(source):
            raise Forbidden(message="主持人已将您静音，可以举手示意")

    def take_stage(self, person: Participant, now: datetime) -> bool:
        """Show a document from now on; True when that is new. Raises Forbidden, or RuleError stage_taken."""
        if Right.SHARE not in person.rights:
            raise Forbidden(message="您没有出示材料的权限")
        if person.blocked("screen"):
            raise Forbidden(message="主持人已停止您出示材料，可以举手示意")
        if self.exhibit is not None:
            raise RuleError(ErrorCode.STAGE_TAKEN, "正在出示材料，请先收起")
        before = self.stage.presenter
        self.stage.take(person.id, now)
        return before is None

    # Views

    @property
    def presenter(self) -> Participant | None:
        """Who has the stage."""
        return self.people.get(self.stage.presenter or "")

    def in_room(self) -> list[Participant]:
        """Everybody with a place in the room who did not leave, first come first."""
        people = [person for person in self.people.values() if person.place == "room" and person.present]
        return sorted(people, key=lambda person: (person.joined_at, person.id))

    def in_lobby(self) -> list[Participant]:
        """The waiting room in order."""
        return in_order(self.people.values())

    def queue_view(self, person: Participant, before: int = 0) -> QueueView | None:
        """What a waiting person reads; None for everybody else. `before`: turns before this sitting's."""
        waiting = self.in_lobby()
        return queue_view(waiting, person, before) if person in waiting else None

    @property
    def returns_at(self) -> datetime | None:
        """When the countdown of a deliberation ends."""
        return self.deliberation.returns_at if self.deliberation is not None else None

    def is_apart(self, person: Participant) -> bool:
        """Whether others confer without this person."""
        return self.deliberation is not None and person.id not in self.deliberation.people

    def confers(self, person: Participant) -> bool:
        """Whether this person is one of those who confer in private."""
        return self.deliberation is not None and person.id in self.deliberation.people

    def listeners(self, speaking_for: Participant | None = None) -> list[Participant]:
        """Who may know what is going on in the room; of somebody's words, those on the same side."""
        side = speaking_for is not None and self.is_apart(speaking_for)
        return [person for person in self.in_room() if self.is_apart(person) == side]

    def view(self, now: datetime, for_official: bool, apart: bool = False, named: bool = True) -> RoomView:
        """The whole room as one audience may see it; those apart do not see who speaks or shows something.

        Without `named` citizens are called `李某`.
        """
        presenter = self.presenter
        shown = presenter is not None and (self.deliberation is None or self.is_apart(presenter) == apart)
        people = [person.view(now, for_official, named) for person in self.in_room()]
        return RoomView(
            state=self.sitting.state,
            opened_at=wire_time(self.sitting.opened_at),
            participants=[replace(each, speaking=False) for each in people] if apart else people,
            presenter=self.stage.presenter if shown else None,
            lobby=lobby_view(self.in_lobby(), now, named) if for_official else [],
            recording=self.badge.view(for_official),
            conduct=self.conduct.view(),
            minutes_shown=self.minutes_shown and not apart,
            minutes_state=self.minutes_state,
            open_objections=self.open_objections if for_official else 0,
            deliberation=self.deliberation.view(not apart) if self.deliberation is not None else None,
            exhibit=self.exhibit.view() if self.exhibit is not None else None,
        )
