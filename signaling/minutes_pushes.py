"""Pushes about the minutes, listed by their `type` in PUSHES; one grammar with signaling/pushes.py."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from scheduling.invitation import Invitation
from scheduling.minutes.editing import Changed
from scheduling.minutes.paragraph import MinutesParagraph
from scheduling.minutes.record import Minutes
from scheduling.minutes.template import TEMPLATES
from signaling.minutes_commands import Paragraph
from signaling.participant import VEILED
from signaling.pushes import Push
from signaling.times import wire_time


@dataclass(frozen=True)
class MinutesParagraphView:
    """A paragraph as it stands."""

    id: str
    place: int
    kind: Paragraph
    speaker_id: str | None
    speaker: str
    office: str
    text: str
    revision: int
    removed: bool
    said_at: str | None


@dataclass(frozen=True)
class SpeakerView:
    """Somebody who can be named as a speaker; `id` is the invitation, `writes` the host's leave."""

    id: str
    name: str
    office: str
    role: str
    writes: bool


@dataclass(frozen=True)
class MinutesView:
    """The sheet. For the petitioner's side without notes and without speakers to choose.

    For officials alone: `open_objections` have no answer yet, `unsigned` names of who is still to sign.
    """

    version: int
    state: str
    template: str
    shown_live: bool
    writable: bool
    paragraphs: list[MinutesParagraphView]
    speakers: list[SpeakerView]
    open_objections: int = 0
    unsigned: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class OverlapView:
    """Two wordings of one place that were both kept."""

    saved: str
    typed: str


@dataclass(frozen=True)
class MinutesSheet(Push):
    """The whole sheet; null while there is none, or none that you may read."""

    minutes: MinutesView | None


@dataclass(frozen=True)
class MinutesChanged(Push):
    """One paragraph is new; `edit_id` is the sender's own name of the change."""

    edit_id: str
    version: int
    act: str
    by: str
    other: str
    overlaps: list[OverlapView]
    paragraph: MinutesParagraphView


PUSHES: dict[str, type[Push]] = {"minutes": MinutesSheet, "minutes.paragraph": MinutesChanged}


def paragraph_view(paragraph: MinutesParagraph) -> MinutesParagraphView:
    """For the wire."""
    return MinutesParagraphView(
        id=paragraph.id, place=paragraph.place, kind=paragraph.kind.value, speaker_id=paragraph.speaker_id,
        speaker=paragraph.speaker_name, office=paragraph.speaker_office, text=paragraph.text,
        revision=paragraph.revision, removed=paragraph.removed, said_at=wire_time(paragraph.said_at),
    )  # fmt: skip


def minutes_view(
    minutes: Minutes, paragraphs: Sequence[MinutesParagraph], writable: bool,
    speakers: Sequence[Invitation] = (), writers: frozenset[str] = frozenset(),
) -> MinutesView:  # fmt: skip
    """For the wire; the caller has chosen which paragraphs this reader may see."""
    return MinutesView(
        version=minutes.version,
        state=str(minutes.state),
        template=TEMPLATES[minutes.template][minutes.template_version - 1].name,
        shown_live=minutes.shown_live,
        writable=writable,
        paragraphs=[paragraph_view(each) for each in paragraphs],
        speakers=[
            SpeakerView(
                id=each.id,
                name=each.display_name,
                role=str(each.role),
                writes=each.id in writers,
                office=each.organisation.short_name if each.organisation else "",
            )  # fmt: skip
            for each in speakers
        ],
    )


def changed_push(changed: Changed, edit_id: str, by: str) -> MinutesChanged:
    """For officials, who read both wordings where two met."""
    return MinutesChanged(
        edit_id=edit_id, version=changed.minutes.version, act=str(changed.act), by=by, other=changed.other,
        overlaps=[OverlapView(saved, typed) for saved, typed in changed.overlaps],
        paragraph=paragraph_view(changed.paragraph),
    )  # fmt: skip


def without_names(view: MinutesParagraphView, screened: Container[str]) -> MinutesParagraphView:
    """As guests read it: who is screened has no name there either."""
    if view.speaker_id is None or view.speaker_id not in screened:
        return view
    return replace(view, speaker_id=None, speaker=VEILED, office="")


def public_push(push: MinutesChanged) -> MinutesChanged:
    """For the petitioner's side: of a note, or of what was taken out, nothing but that it is not there."""
    view = push.paragraph
    if view.kind == "note" or view.removed:
        view = MinutesParagraphView(
            id=view.id, place=view.place, kind="statement", speaker_id=None, speaker="", office="", text="",
            revision=view.revision, removed=True, said_at=None,
        )  # fmt: skip
    return MinutesChanged(
        edit_id="", version=push.version, act="", by="", other="", overlaps=[], paragraph=view
    )
