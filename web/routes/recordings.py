"""Recordings: replay, review, proof, archive and alarms."""

from __future__ import annotations

from cases.policy import Action
from web.pages import (
    alarms,
    archive,
    chain,
    composing,
    desk,
    exhibits,
    export,
    original,
    replay,
    review,
    search,
    tracks,
    views,
)
from web.routes.route import Route

RECORDINGS: tuple[Route, ...] = (
    Route("GET", "/recordings", search.show, Action.REPLAY),
    Route("GET", "/recordings/{recording_id}", replay.show, Action.REPLAY),
    Route("POST", "/recordings/{recording_id}/verify", replay.verify, Action.REPLAY),
    Route("GET", "/recordings/{recording_id}/composition", composing.progress, Action.REPLAY),
    Route("POST", "/recordings/{recording_id}/composition", composing.order, Action.EXPORT_RECORDING),
    Route("POST", "/recordings/{recording_id}/original", original.fetch, Action.REPLAY),
    Route("GET", "/recordings/{recording_id}/export", export.show, Action.EXPORT_RECORDING),
    Route("POST", "/recordings/{recording_id}/export", export.submit, Action.EXPORT_RECORDING),
    Route("GET", "/recordings/{recording_id}/composed.mp4", replay.composed, Action.REPLAY),
    Route("GET", "/recordings/{recording_id}/tracks/{track}/{piece}", tracks.piece, Action.REPLAY),
    Route(
        "GET", "/recordings/{recording_id}/exhibits/{material_id}/{number}", exhibits.picture, Action.REPLAY
    ),
    Route("GET", "/recordings/{recording_id}/manifest.json", replay.manifest, Action.SEE_MANIFEST),
    Route("GET", "/recordings/{recording_id}/proof", chain.show_proof, Action.SEE_MANIFEST),
    Route("GET", "/recordings/{recording_id}/proof.zip", chain.download_proof, Action.SEE_MANIFEST),
    Route("POST", "/recordings/{recording_id}/purpose", desk.purpose, Action.REPLAY),
    Route("POST", "/recordings/{recording_id}/played", desk.played, Action.REPLAY),
    Route("GET", "/recordings/{recording_id}/desk", desk.show, Action.REPLAY),
    Route("POST", "/recordings/{recording_id}/notes", desk.write, Action.REVIEW_RECORDING),
    Route("POST", "/recordings/{recording_id}/notes/{note_id}", desk.correct, Action.REVIEW_RECORDING),
    Route("POST", "/recordings/{recording_id}/answers", review.answer, Action.REVIEW_RECORDING),
    Route("POST", "/recordings/{recording_id}/review", review.move, Action.REVIEW_RECORDING),
    Route("POST", "/recordings/{recording_id}/findings", review.find, Action.REVIEW_RECORDING),
    Route(
        "POST",
        "/recordings/{recording_id}/findings/{finding_id}/remedy",
        review.remedy,
        Action.ANSWER_FINDING,
    ),
    Route(
        "POST",
        "/recordings/{recording_id}/findings/{finding_id}/decide",
        review.decide,
        Action.REVIEW_RECORDING,
    ),
    Route("GET", "/recordings/{recording_id}/views", views.show, Action.SEE_VIEW_LOG),
    # Who may see an alarm but not acknowledge it is told so, everybody else that there is none.
    Route("GET", "/alarms", alarms.show_list, Action.SEE_ALARMS),
    Route("GET", "/alarms/{alarm_id}", alarms.show, Action.SEE_ALARMS),
    Route("POST", "/alarms/{alarm_id}", alarms.acknowledge, Action.SEE_ALARMS),
    Route("GET", "/chain", chain.show_list, Action.SEE_ALARMS),
    Route("GET", "/chain/{organisation_id}", chain.show_office, Action.SEE_ALARMS),
    Route("GET", "/archive", archive.show, Action.SEE_ARCHIVE),
    Route("POST", "/archive/{recording_id}/hold", archive.hold, Action.HOLD_RECORDING),
    Route("POST", "/archive/{recording_id}/destruction", archive.propose, Action.PROPOSE_DESTRUCTION),
    Route("POST", "/archive/holds/{hold_id}/lift", archive.lift, Action.HOLD_RECORDING),
    Route("POST", "/archive/proposals/{proposal_id}/decide", archive.decide, Action.APPROVE_DESTRUCTION),
)
