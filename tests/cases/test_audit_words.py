"""Every act that the audit keeps has words: its administrator reads no codes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from cases.administration.rule_proposal import Decision
from cases.audit_words import NOUNS, action_words
from cases.campaigns.campaign import CampaignStepKind
from cases.handling.procedure import RULES
from cases.mediation.matter import MediationStep
from cases.supervision.ordering import EVENTS
from recordings.review.finding import FindingState
from recordings.review.review import ReviewState
from scheduling.incidents.incident import IncidentState
from scheduling.proposals import ProposalState
from scheduling.requests.call_back import CallState
from scheduling.sessions.sessions import EVENT_KINDS

ROOT = Path(__file__).parents[2]
WRITERS = ("add_audit", "record_audit")
# Acts whose names are put together, by what they are put together of.
COMPOSED = (
    *(rule.event for rule in RULES.values()),
    *(f"mediation.{step}" for step in MediationStep),
    *(f"campaign.{kind}" for kind in CampaignStepKind),
    *(f"session.{state}" for state in ("cancelled", "rescheduled", "closed")),
    *EVENT_KINDS.values(),
    *EVENTS.values(),
    *(f"post.{decision}" for decision in Decision),
    *(f"call.{state}" for state in CallState),
    *(f"incident.{state}" for state in IncidentState),
    *(f"finding.{state}" for state in FindingState if state != "open"),
    *(f"review.{state}" for state in ReviewState if state != "open"),
    *(f"{noun}.time_{state}" for noun in ("booking", "joint") for state in ProposalState if state != "open"),
    "task.done", "task.withdrawn", "command.refused", "link.issued", "link.repeated", "link.released",
    "mediation.received", "mediation.consented", "mediation.refused", "document.issued", "document.corrected",
    "destruction.approved", "destruction.rejected", "recording.destroyed", "original.restore_asked",
)  # fmt: skip


def written() -> Iterator[tuple[str, str]]:
    """(act, kind of its object) of every call that names them plainly."""
    for part in ("cases", "scheduling", "recordings", "signaling", "web"):
        for path in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in WRITERS:
                    continue
                plain = [each.value if isinstance(each, ast.Constant) else "" for each in node.args[3:5]]
                yield str(plain[0]), str(plain[-1] if len(plain) > 1 else "")


def test_no_act_of_the_audit_is_a_code() -> None:
    calls = set(written())
    assert len(calls) > 80
    acts = {act for act, _ in calls if act} | set(COMPOSED)
    assert {act for act in acts if action_words(act) is None} == set()
    assert {kind for _, kind in calls if kind and kind not in NOUNS} == set()
