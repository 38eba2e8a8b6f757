"""Which papers there are (Regulations on Petition Work, Art. 19, 22, 23, 31 to 36, 40)."""

from __future__ import annotations

from enum import StrEnum


class DocumentKind(StrEnum):
    """One paper of handling."""

    TRANSFER_SHEET = "transfer_sheet"
    ASSIGNMENT_SHEET = "assignment_sheet"
    RECEIPT_NOTICE = "receipt_notice"
    ROUTING_NOTICE = "routing_notice"
    REFUSAL_NOTICE = "refusal_notice"
    CESSATION_NOTICE = "cessation_notice"
    OBJECTION = "objection"
    ACCEPTANCE_NOTICE = "acceptance_notice"
    EXTENSION_NOTICE = "extension_notice"
    HANDLING_OPINION = "handling_opinion"
    CLOSING_REPORT = "closing_report"
    REVIEW_RECEIPT = "review_receipt"
    REVIEW_OPINION = "review_opinion"
    RECHECK_RECEIPT = "recheck_receipt"
    HEARING_NOTICE = "hearing_notice"
    RECHECK_OPINION = "recheck_opinion"
    TERMINATION_NOTICE = "termination_notice"
    SUPERVISION_ORDER = "supervision_order"
    SUPERVISION_FEEDBACK = "supervision_feedback"
