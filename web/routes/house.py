"""The front door, the demonstration, and what machines ask for."""

from __future__ import annotations

from cases.policy import Action
from web.http.permissions import Who
from web.pages import demo, health, home, language, materials, password, signin
from web.routes.route import Route

HOUSE: tuple[Route, ...] = (
    Route("GET", "/", home.show, Who.EVERYONE),
    Route("POST", "/language", language.choose, Who.EVERYONE),
    Route("GET", "/signin", signin.show, Who.EVERYONE),
    Route("POST", "/signin", signin.submit, Who.EVERYONE),
    Route("POST", "/signout", signin.leave, Who.EVERYONE),
    Route("GET", "/password", password.show, Action.CHOOSE_PASSWORD),
    Route("POST", "/password", password.submit, Action.CHOOSE_PASSWORD),
    Route("GET", "/styleguide", home.styleguide, Who.EVERYONE),
    Route("GET", "/demo", demo.show, Who.DEMO),
    Route("POST", "/demo/open", demo.open_parties, Who.DEMO),
    Route("GET", "/demo/party/{number}", demo.party, Who.DEMO),
    Route("POST", "/demo/party/{number}/ticket", demo.ticket, Who.DEMO),
    Route("GET", "/demo/party/{party}/materials", materials.list_for_window, Who.DEMO),
    Route("POST", "/demo/party/{party}/materials", materials.begin, Who.DEMO),
    Route("POST", "/demo/party/{party}/materials/{digest}/parts", materials.add, Who.DEMO),
    Route("POST", "/demo/party/{party}/materials/{material_id}/copies", materials.copy, Who.DEMO),
    Route("GET", "/demo/party/{party}/materials/{material_id}/pages/{number}", materials.picture, Who.DEMO),
    Route("GET", "/static/{build}/{name:.+}", home.static, Who.NOBODY_SPECIAL),
    Route("GET", "/favicon.ico", home.favicon, Who.NOBODY_SPECIAL),
    Route("GET", "/authority.pem", health.authority, Who.NOBODY_SPECIAL),
    Route("GET", "/healthz", health.alive, Who.NOBODY_SPECIAL),
    Route("GET", "/readyz", health.ready, Who.NOBODY_SPECIAL),
    Route("GET", "/metrics", health.metrics, Who.NOBODY_SPECIAL),
)
