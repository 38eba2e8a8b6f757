"""The addresses of administrators, a part of the URL table (web/routes/__init__.py)."""

from __future__ import annotations

from cases.policy import Action
from web.pages import (
    accounts,
    administration,
    audit,
    audit_log,
    clients,
    deadline_rules,
    holidays,
    organisations,
    post_requests,
    retention,
    rule_proposals,
    sign_ins,
    views,
    webhooks,
)
from web.routes.route import Route

ADMINISTRATION: tuple[Route, ...] = (
    Route("GET", "/administration", administration.show, Action.SEE_ADMINISTRATION),
    Route("GET", "/administration/organisations", organisations.show_list, Action.MANAGE_ORGANISATIONS),
    Route("POST", "/administration/organisations", organisations.add, Action.MANAGE_ORGANISATIONS),
    Route(
        "GET",
        "/administration/organisations/{organisation_id}",
        organisations.show,
        Action.MANAGE_ORGANISATIONS,
    ),
    Route(
        "POST",
        "/administration/organisations/{organisation_id}/name",
        organisations.rename,
        Action.MANAGE_ORGANISATIONS,
    ),
    Route(
        "POST",
        "/administration/organisations/{organisation_id}/close",
        organisations.close,
        Action.MANAGE_ORGANISATIONS,
    ),
    Route("GET", "/administration/accounts", accounts.show_list, Action.SEE_ACCOUNTS),
    Route("POST", "/administration/accounts", accounts.create, Action.MANAGE_ACCOUNTS),
    Route("GET", "/administration/accounts/{official_id}", accounts.show, Action.SEE_ACCOUNTS),
    Route("POST", "/administration/accounts/{official_id}/posts", accounts.ask, Action.MANAGE_ACCOUNTS),
    Route(
        "POST",
        "/administration/accounts/{official_id}/posts/{post_id}/end",
        accounts.withdraw,
        Action.CONFIRM_POST,
    ),
    Route("POST", "/administration/accounts/{official_id}/password", accounts.reset, Action.MANAGE_ACCOUNTS),
    Route("POST", "/administration/accounts/{official_id}/disable", accounts.disable, Action.MANAGE_ACCOUNTS),
    Route("POST", "/administration/accounts/{official_id}/enable", accounts.enable, Action.MANAGE_ACCOUNTS),
    Route("GET", "/administration/holidays", holidays.show, Action.CONFIGURE),
    Route("POST", "/administration/holidays", holidays.submit, Action.CONFIGURE),
    Route("GET", "/administration/deadlines", deadline_rules.show, Action.SEE_RULES),
    Route("GET", "/administration/deadlines/edit", deadline_rules.edit, Action.CONFIGURE),
    Route("POST", "/administration/deadlines/edit", deadline_rules.submit, Action.CONFIGURE),
    Route("GET", "/administration/rules", rule_proposals.show, Action.SEE_RULES),
    # As with posts: one confirms, the other takes back; the use case asks who.
    Route("POST", "/administration/rules/{proposal_id}", rule_proposals.decide, Action.SEE_RULES),
    Route("GET", "/administration/retention", retention.show, Action.SEE_RULES),
    Route("POST", "/administration/retention", retention.submit, Action.CONFIGURE),
    # Two of the three decide: one confirms, the other takes back; the use case asks who.
    Route("GET", "/administration/requests", post_requests.show, Action.SEE_ACCOUNTS),
    Route("POST", "/administration/requests/{request_id}", post_requests.decide, Action.SEE_ACCOUNTS),
    Route("GET", "/administration/signins", sign_ins.show, Action.GUARD_ACCOUNTS),
    Route("POST", "/administration/signins/unlock", sign_ins.unlock, Action.GUARD_ACCOUNTS),
    Route("GET", "/administration/audit", audit_log.show, Action.SEE_AUDIT),
    Route("GET", "/administration/audit.csv", audit_log.export, Action.SEE_AUDIT),
    Route("GET", "/clients", clients.show, Action.MANAGE_ACCOUNTS),
    Route("POST", "/clients", clients.create, Action.MANAGE_ACCOUNTS),
    Route("POST", "/clients/{client_id}/revoke", clients.revoke, Action.MANAGE_ACCOUNTS),
    Route("GET", "/clients/{client_id}/webhooks", webhooks.show, Action.MANAGE_ACCOUNTS),
    Route("POST", "/clients/{client_id}/webhooks", webhooks.create, Action.MANAGE_ACCOUNTS),
    Route("POST", "/clients/{client_id}/webhooks/{webhook_id}/end", webhooks.end, Action.MANAGE_ACCOUNTS),
    Route(
        "POST",
        "/clients/{client_id}/webhooks/{webhook_id}/events/{event_id}",
        webhooks.resend,
        Action.MANAGE_ACCOUNTS,
    ),
    Route("GET", "/audit/recordings", audit.show, Action.SEE_AUDIT),
    Route("GET", "/audit/recordings/{recording_id}", views.show_audited, Action.SEE_AUDIT),
)
