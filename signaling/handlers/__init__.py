"""One function per command, in a table with the right and the place it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from signaling import commands, material_commands, minutes_commands
from signaling.handlers import (
    chat,
    conduct,
    deliberation,
    lobby,
    marks,
    materials,
    media,
    minutes,
    moderation,
    presence,
    queueing,
    session,
    veils,
)
from signaling.rights import Right

if TYPE_CHECKING:
    from signaling.attendee import Attendee

Run = Callable[["Attendee", Any], Awaitable[str | None]]


@dataclass(frozen=True)
class Handler:
    """`exclusive` handlers hold the room's lock; those that wait for a browser's media must not."""

    run: Run
    right: Right | None = None
    place: Literal["lobby", "room"] | None = None
    exclusive: bool = True


def _host(run: Run, right: Right) -> Handler:
    return Handler(run, right, "room")


# `authenticate` belongs to the first phase and `ping` to the connection itself.
HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Leave: Handler(presence.leave),
    commands.PageState: Handler(presence.page_state),
    commands.Ready: Handler(lobby.ready, Right.WAIT, "lobby"),
    commands.StepAway: Handler(lobby.step_away, Right.WAIT, "lobby"),
    commands.ComeBack: Handler(lobby.come_back, Right.WAIT, "lobby"),
    commands.Publish: Handler(media.publish, Right.PUBLISH, "room", exclusive=False),
    commands.Subscribe: Handler(media.subscribe, Right.SUBSCRIBE, "room", exclusive=False),
    commands.Answer: Handler(media.answer, Right.SUBSCRIBE, "room", exclusive=False),
    commands.SourceState: Handler(media.source_state, Right.PUBLISH, "room"),
    commands.Watch: Handler(media.watch, Right.SUBSCRIBE, "room", exclusive=False),
    commands.TellQuality: Handler(media.tell_quality, place="room", exclusive=False),
    commands.RaiseHand: Handler(presence.raise_hand, Right.RAISE_HAND, "room"),
    commands.Chat: Handler(chat.say, Right.CHAT, "room"),
    commands.Admit: _host(lobby.admit, Right.ADMIT),
    commands.Deny: _host(lobby.deny, Right.ADMIT),
    commands.MoveToLobby: _host(lobby.move_to_lobby, Right.ADMIT),
    commands.Mute: _host(moderation.mute, Right.MUTE),
    commands.Remove: _host(moderation.remove, Right.REMOVE),
    commands.CallNext: _host(queueing.call_next, Right.ADMIT),
    commands.Postpone: _host(queueing.postpone, Right.ADMIT),
    commands.Refer: _host(queueing.refer, Right.ADMIT),
    commands.MuteAll: _host(moderation.mute_all, Right.MUTE),
    commands.LowerHands: _host(moderation.lower_hands, Right.MUTE),
    commands.Rename: _host(moderation.rename, Right.RENAME),
    commands.Arrange: _host(conduct.arrange, Right.ARRANGE),
    commands.BeginPhase: _host(conduct.begin_phase, Right.PHASE),
    commands.HandOver: _host(conduct.hand_over, Right.HAND_OVER),
    commands.NameDeputy: _host(conduct.name_deputy, Right.HAND_OVER),
    commands.TakeBack: _host(conduct.take_back, Right.TAKE_BACK),
    commands.Open: _host(session.open_session, Right.OPEN),
    commands.Pause: _host(session.pause, Right.PAUSE),
    commands.Resume: _host(session.resume, Right.PAUSE),
    commands.Deliberate: _host(deliberation.deliberate, Right.DELIBERATE),
    commands.EndDeliberation: _host(deliberation.end_deliberation, Right.DELIBERATE),
    commands.SetMark: Handler(marks.set_mark, Right.MARK, "room"),
    commands.WithdrawMark: Handler(marks.withdraw_mark, Right.MARK, "room"),
    commands.Veil: _host(veils.veil, Right.VEIL),
    commands.VoiceAltered: Handler(veils.voice_altered, Right.PUBLISH, "room"),
    commands.Close: _host(session.close, Right.CLOSE),
    commands.CloseUnsigned: _host(session.close_unsigned, Right.CLOSE),
    commands.StartRecording: _host(session.start_recording, Right.RECORD),
    material_commands.ShowMaterial: Handler(materials.show, Right.SHARE, "room"),
    material_commands.TurnPage: Handler(materials.turn, Right.SHARE, "room"),
    material_commands.HideMaterial: Handler(materials.hide, Right.SHARE, "room"),
    material_commands.FetchStrokes: Handler(materials.fetch, place="room", exclusive=False),
    material_commands.PointAt: Handler(materials.point, Right.SHARE, "room", exclusive=False),
    material_commands.DrawStroke: Handler(materials.draw, Right.SHARE, "room", exclusive=False),
    material_commands.WipeStrokes: Handler(materials.wipe, Right.SHARE, "room", exclusive=False),
    # Rows of the minutes have a turn of their own: who writes holds nobody's mute button up.
    minutes_commands.FetchMinutes: Handler(minutes.fetch, place="room", exclusive=False),
    minutes_commands.BeginMinutes: Handler(minutes.begin, Right.READ_MINUTES, "room", exclusive=False),
    minutes_commands.ChangeMinutes: Handler(minutes.change, Right.READ_MINUTES, "room", exclusive=False),
    minutes_commands.MoveMinutes: Handler(minutes.move, Right.READ_MINUTES, "room", exclusive=False),
    minutes_commands.ShowMinutes: Handler(minutes.show, Right.SHOW_MINUTES, "room", exclusive=False),
    minutes_commands.LetWrite: Handler(minutes.let, Right.SHOW_MINUTES, "room", exclusive=False),
}
