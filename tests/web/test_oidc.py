"""Identity by an account elsewhere (OIDC), against a provider that the test runs itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from scheduling.reach import load_session
from tests.web.conftest import Browser, House
from tests.web.test_identity import Given, events_of, given_link, row_of, strict
from web.http.access import TERMINAL_COOKIE
from web.keys import SETTINGS
from web.oidc import Journeys, TokenRefused, read_claims
from web.setting_groups import OidcSettings
from web.settings import SettingsError, load

__all__ = ["strict"]  # The fixture.
ISSUER, CLIENT, SECRET = "https://id.example.gov.cn", "lianxin", "a secret/of ours"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
NUMBER = "11010519491231002X"


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


@dataclass
class Provider:
    """Signs whoever comes in as `claims`; `spoil` changes the token before it is signed or after."""

    keys: Path
    claims: dict[str, Any] = field(default_factory=lambda: {"name": "李德福", "sub": "1"})
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = EC_KEY
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "k"})
    underway: dict[str, dict[str, str]] = field(default_factory=dict)
    now: float = 0
    tail: str = ""
    asked: list[str] = field(default_factory=list)

    def publish(self) -> None:
        if isinstance(self.key, rsa.RSAPrivateKey):
            public = self.key.public_key().public_numbers()
            row = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
        else:
            point = EC_KEY.public_key().public_numbers()
            row = {"kty": "EC", "crv": "P-256", "x": number(point.x), "y": number(point.y)}
        self.keys.write_text(json.dumps({"keys": [row | {"kid": "k", "use": "sig"}]}))

    def sign_in(self, address: str) -> str:
        """What its page does with whoever signs in: a code, and back."""
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert wanted["response_type"] == "code" and wanted["code_challenge_method"] == "S256"
        assert wanted["client_id"] == CLIENT and wanted["scope"] == "openid profile"
        code = f"code-{len(self.underway)}"
        self.underway[code] = wanted
        return f"{urlsplit(wanted['redirect_uri']).path}?code={code}&state={wanted['state']}"

    async def give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.asked.append(str(form["code"]))
        wanted = self.underway.pop(str(form["code"]), None)
        login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        challenge = encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        known = login == f"{CLIENT}:a%20secret%2Fof%20ours"
        if wanted is None or not known or challenge != wanted["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == wanted["redirect_uri"]
        return web.json_response({"id_token": self.token(wanted["nonce"]), "token_type": "Bearer"})

    def token(self, nonce: str) -> str:
        claims = {
            "iss": ISSUER, "aud": CLIENT, "nonce": nonce, "iat": int(self.now), "exp": int(self.now) + 300
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (self.header, claims))
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        else:
            pair = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
            signature = b"".join(each.to_bytes(32) for each in pair)
        return f"{signed}.{encode(signature)}{self.tail}"


@pytest.fixture
async def provider(strict: House, tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path / "keys.json", now=strict.clock.now().timestamp())
    made.publish()
    app = web.Application()
    app.router.add_post("/token", made.give_token)
    async with TestServer(app, host="127.0.0.1") as server:
        base = str(server.make_url("/"))
        oidc = OidcSettings(f"{base}authorize", f"{base}token", ISSUER, CLIENT, SECRET, str(made.keys))
        state = strict.server.app._state  # type: ignore[union-attr]
        state[SETTINGS] = replace(state[SETTINGS], oidc=oidc)
        yield made


async def set_out(house: House) -> tuple[Given, Browser, str]:
    """On the page for identity; the address that the link to the provider leads to."""
    given, phone = await given_link(house), house.browser()
    await given.exchange(phone)
    text = await (await phone.get(f"/j/{given.code}/identity")).text()
    assert f"/j/{given.code}/identity/provider" in text
    answer = await phone.get(f"/j/{given.code}/identity/provider")
    return given, phone, answer.headers["Location"]


async def come_back(browser: Browser, where: str) -> Any:
    answer = await browser.get(where)
    return await browser.get(answer.headers["Location"]) if answer.status == 303 else answer


async def test_name_and_proof_and_nothing_is_kept_of_either(strict: House, provider: Provider) -> None:
    provider.claims |= {"phone_number": "13912345678", "address": "甘肃省兰州市"}
    given, phone, address = await set_out(strict)
    answer = await come_back(phone, provider.sign_in(address))
    assert (answer.status, answer.headers["Location"]) == (303, f"/j/{given.code}/notice")
    row = await row_of(strict, given)
    assert row.identified_at is not None and row.identified_how == "provider"
    told = [event.data for event in await events_of(strict, given) if event.kind == "identity.confirmed"]
    assert told == [{"invitation_id": row.id, "name": "李德福", "how": "provider", "words": ISSUER}]
    assert "13912345678" not in str(told)


async def test_rsa_and_the_number_where_the_case_needs_it(strict: House, provider: Provider) -> None:
    provider.key, provider.header = rsa.generate_private_key(65537, 2048), {"alg": "RS256", "kid": "k"}
    provider.publish()
    provider.claims["number"] = NUMBER
    state = strict.server.app._state  # type: ignore[union-attr]
    state[SETTINGS] = replace(state[SETTINGS], oidc=replace(state[SETTINGS].oidc, number_claim="number"))
    given, phone, address = await set_out(strict)
    async with strict.database.session() as db:
        (await load_session(db, given.session_id)).id_number_needed = True
        await db.commit()
    answer = await come_back(phone, provider.sign_in(address))
    assert answer.headers["Location"] == f"/j/{given.code}/notice"
    kept = await row_of(strict, given)
    assert kept.person is not None and kept.person.id_number_masked == "110***********002X"
    assert NUMBER not in str([event.data for event in await events_of(strict, given)])


LIES: dict[str, dict[str, Any]] = {
    "another key": {"key": OTHER_KEY},
    "no algorithm": {"header": {"alg": "none", "kid": "k"}},
    "an algorithm of secrets": {"header": {"alg": "HS256", "kid": "k"}},
    "an unknown key": {"header": {"alg": "ES256", "kid": "other"}},
    "a header it does not know": {"header": {"alg": "ES256", "kid": "k", "crit": ["b64"]}},
    "another issuer": {"claims": {"name": "李德福", "iss": "https://evil.example"}},
    "another audience": {"claims": {"name": "李德福", "aud": "somebody"}},
    "an audience among others": {"claims": {"name": "李德福", "aud": [CLIENT, "x"], "azp": "x"}},
    "another nonce": {"claims": {"name": "李德福", "nonce": "x"}},
    "no nonce": {"claims": {"name": "李德福", "nonce": None}},
    "expired": {"claims": {"name": "李德福", "exp": 1}},
    "never expires": {"claims": {"name": "李德福", "exp": None}},
    "true for a time": {"claims": {"name": "李德福", "exp": True}},
    "from tomorrow": {"claims": {"name": "李德福", "iat": 99_999_999_999}},
    "more behind the signature": {"tail": "A"},
    "no base64": {"tail": "\u00e9"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_prove_itself_is_refused(tmp_path: Path, lie: str) -> None:
    now = datetime(2026, 7, 22, 9, tzinfo=UTC)
    made = Provider(tmp_path / "keys.json", now=now.timestamp())
    made.publish()
    known = OidcSettings("https://x/a", "https://x/t", ISSUER, CLIENT, "", str(made.keys))
    assert read_claims(made.token("n"), known, "n", now)["name"] == "李德福"
    for name, value in LIES[lie].items():
        setattr(made, name, value)
    with pytest.raises(TokenRefused):
        read_claims(made.token("n"), known, "n", now)


async def test_a_proof_that_is_none_identifies_nobody(strict: House, provider: Provider) -> None:
    given, phone, address = await set_out(strict)
    words = "账号核验没有成功"
    for claims in ({"name": "李德福", "nonce": "x"}, {"name": "王小明"}, {"name": None}):
        provider.claims = claims
        answer = await come_back(phone, provider.sign_in(address))
        text = await answer.text()
        assert answer.status == 422 and words in text
        assert "请工作人员现场核验" in text  # Never a dead end.
        words = "姓名与登记的不一致"
        address = (await phone.get(f"/j/{given.code}/identity/provider")).headers["Location"]
    assert (await row_of(strict, given)).identified_at is None
    assert [event.kind for event in await events_of(strict, given)].count("identity.refused") == 2


async def test_a_way_back_is_good_once_in_time_and_for_one_device(strict: House, provider: Provider) -> None:
    given, phone, address = await set_out(strict)
    back = provider.sign_in(address)
    other, thief, _ = await set_out(strict)
    assert (await thief.get(back)).headers["Location"].startswith(f"/j/{given.code}/")
    assert (await come_back(thief, back)).status == 403  # It holds another link.
    stolen = back.split("state=")[1]
    moved = await thief.get(f"/j/{other.code}/identity/proof?code=code-0&state={stolen}")
    assert moved.status == 422 and provider.asked == []
    strict.clock.advance(minutes=11)
    assert (await come_back(phone, back)).status == 422 and provider.asked == []
    provider.now = strict.clock.now().timestamp()
    again = provider.sign_in((await phone.get(f"/j/{given.code}/identity/provider")).headers["Location"])
    proof = (await phone.get(again)).headers["Location"]
    refused = await phone.get(proof.replace("code-", "wrong-"))
    assert refused.status == 422 and provider.asked == ["wrong-1"]
    assert (await phone.get(proof)).status == 422  # The state was spent on the wrong code.
    for state in ("", "x", "x" * 5000):
        turned_away = await phone.get(f"/identity/back?state={state}&code=1")
        told = await turned_away.text()
        assert turned_away.status == 403 and "账号核验没有成功" in told
        assert "没有做这件事的权限" not in told, "one reason, and no second guess beside it"
    assert (await row_of(strict, given)).identified_at is None


async def test_a_provider_that_is_away_is_said_in_words(strict: House, provider: Provider) -> None:
    state = strict.server.app._state  # type: ignore[union-attr]
    gone = replace(state[SETTINGS].oidc, token="http://127.0.0.1:9/token")
    state[SETTINGS] = replace(state[SETTINGS], oidc=gone)
    _, phone, address = await set_out(strict)
    answer = await come_back(phone, provider.sign_in(address))
    assert answer.status == 422 and "账号核验没有成功" in await answer.text()


async def test_where_there_is_none_and_on_terminals_it_is_not_offered(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    assert "identity/provider" not in await (await phone.get(f"/j/{given.code}/identity")).text()
    assert (await phone.get(f"/j/{given.code}/identity/provider")).status == 404
    state = strict.server.app._state  # type: ignore[union-attr]
    state[SETTINGS] = replace(state[SETTINGS], oidc=OidcSettings("https://id.example/authorize"))
    cookie = {"Cookie": f"{TERMINAL_COOKIE}=620102001; lx_link={phone.cookie('lx_link')}"}
    assert (await phone.get(f"/j/{given.code}/identity/provider", headers=cookie)).status == 404


def test_those_underway_have_a_ceiling() -> None:
    journeys, now = Journeys(), datetime.now(UTC)
    states = [journeys.begin("code", "device", now)[0] for _ in range(1001)]
    assert journeys.code_of(states[0]) is None and journeys.code_of(states[1]) == "code"


def test_half_a_provider_stops_the_start(tmp_path: Path) -> None:
    whole = {
        "LIANXIN_OIDC_AUTHORIZE": "https://id.example/a", "LIANXIN_OIDC_TOKEN": "https://id.example/t",
        "LIANXIN_OIDC_ISSUER": ISSUER, "LIANXIN_OIDC_CLIENT_ID": CLIENT,
        "LIANXIN_OIDC_KEYS": str(tmp_path / "k"),
    }  # fmt: skip
    with pytest.raises(SettingsError, match="没有这个文件"):
        load(whole)
    (tmp_path / "k").write_text("{}")
    assert load(whole).oidc.client_id == CLIENT
    for name in whole:
        with pytest.raises(SettingsError, match="OIDC"):
            load({key: value for key, value in whole.items() if key != name})


async def test_what_failed_elsewhere_is_no_mistake_in_the_code(strict: House, provider: Provider) -> None:
    given, phone, _ = await set_out(strict)
    answer = await phone.get(f"/j/{given.code}/identity/proof?state=x")
    text = await answer.text()
    assert answer.status == 422 and "账号核验没有成功" in text
    assert "需要修改" not in text and "aria-invalid" not in text
