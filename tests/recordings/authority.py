"""A time-stamping authority made with the openssl program, and its web server with every bad habit."""

from __future__ import annotations

import subprocess
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recordings.evidence.timestamp import LARGEST_ANSWER, make_request

_CONFIG = """[extensions]
extendedKeyUsage=critical,timeStamping
[reply]
serial={home}/serial
signer_digest=sha256
default_policy=1.2.3.4
digests=sha256
ess_cert_id_alg=sha256
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
REPLY = "application/timestamp-reply"


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    command = ["openssl", *(str(one) for one in arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


class Authority:
    """``certificate`` is its root. Makes its keys in ``home``."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.home, self.certificate = home, home / "root.pem"
        (home / "config").write_text(_CONFIG.format(home=home))
        (home / "serial").write_text("01\n")
        root = ("-out", self.certificate, "-subj", f"/CN={home.name} root", "-days", "30")
        openssl("req", "-x509", *_KEY, home / "root.key", *root)
        openssl("req", *_KEY, home / "key", "-out", home / "csr", "-subj", "/CN=stamps")
        signed = ("-CA", self.certificate, "-CAkey", home / "root.key", "-CAcreateserial", "-days", "30")
        more = ("-extfile", home / "config", "-extensions", "extensions", "-out", home / "cert")
        openssl("x509", "-req", "-in", home / "csr", *signed, *more)

    def reply(self, request: bytes) -> bytes:
        (self.home / "request").write_bytes(request)
        files = (
            "-queryfile",
            self.home / "request",
            "-signer",
            self.home / "cert",
            "-inkey",
            self.home / "key",
        )
        return openssl("ts", "-reply", "-config", self.home / "config", "-section", "reply", *files)


class Server:
    """Answers over HTTP as ``habit`` says; ``asked`` counts."""

    def __init__(self, authority: Authority, stranger: Authority) -> None:
        self.authority, self.stranger = authority, stranger
        self.habit, self.asked = "good", 0
        app = web.Application()
        app.router.add_post("/stamp", self._answer)
        app.router.add_get("/stamp", self._answer)
        self._server = TestServer(app)

    async def __aenter__(self) -> Server:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/stamp"))

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        query = await request.read()
        if self.habit == "down":
            return web.Response(status=503)
        if self.habit == "elsewhere":
            raise web.HTTPFound("/stamp")
        if self.habit == "html":
            return web.Response(text="<html>sign in</html>", content_type="text/html")
        return web.Response(body=self._body(query), content_type=REPLY)

    def _body(self, query: bytes) -> bytes:
        good = self.authority.reply(query)
        bodies = {
            "good": lambda: good,
            "garbage": lambda: b"\x30\x82garbage" * 9,
            "empty": lambda: b"",
            "cut": lambda: good[: len(good) // 2],
            "flipped": lambda: good[:-20] + bytes([good[-20] ^ 1]) + good[-19:],
            "endless": lambda: bytes(LARGEST_ANSWER + 1),
            "other nonce": lambda: self.authority.reply(self.same_digest(query)),
            "other digest": lambda: self.authority.reply(make_request(b"another statement")),
            "stranger": lambda: self.stranger.reply(query),
            "rejected": lambda: self.authority.reply(openssl("ts", "-query", "-digest", "0" * 40, "-sha1")),
        }
        return bodies[self.habit]()

    def same_digest(self, query: bytes) -> bytes:
        """A request over the same digest with another nonce."""
        at = query.index(bytes.fromhex("0420")) + 2  # OCTET STRING of 32 bytes: the digest.
        return openssl("ts", "-query", "-digest", query[at : at + 32].hex(), "-sha256", "-cert")


class PastAuthority:
    """An authority whose certificates are valid ``since`` to ``until`` only, and stamps of any time.

    The openssl program stamps by its own clock; here TSTInfo (RFC 3161, 2.4.2) is written by hand and
    signed by it (``cms -cades``).
    """

    def __init__(self, home: Path, since: datetime, until: datetime) -> None:
        home.mkdir(exist_ok=True)
        self.home, self.certificate = home, home / "root.pem"
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate("past root", root_key, None, root_key, since, until)
        cert = _certificate("past stamps", key, root, root_key, since, until)
        for name, made in ((self.certificate, root), (home / "cert", cert)):
            name.write_bytes(made.public_bytes(Encoding.PEM))
        plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (home / "key").write_bytes(key.private_bytes(*plain))

    def stamp(self, statement: bytes, at: datetime) -> bytes:
        """TimeStampResp over ``statement`` with the time ``at``."""
        imprint = _der(0x30, _der(0x30, SHA256_OID, b"\x05\x00"), _der(4, sha256(statement).digest()))
        parts = b"\x02\x01\x01", b"\x06\x03\x2a\x03\x04", imprint, b"\x02\x01\x07"
        info = _der(0x30, *parts, _der(0x18, f"{at:%Y%m%d%H%M%SZ}".encode()))
        signer = ("-signer", self.home / "cert", "-inkey", self.home / "key", "-md", "sha256")
        how = ("-cades", "-binary", "-nodetach", "-outform", "DER", "-econtent_type", TST_INFO)
        token = openssl("cms", "-sign", *how, *signer, data=info)
        (self.home / "token").write_bytes(token)
        return openssl("ts", "-reply", "-in", self.home / "token", "-token_in")


SHA256_OID = bytes.fromhex("0609608648016503040201")
TST_INFO = "1.2.840.113549.1.9.16.1.4"


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    assert len(content) < 128
    return bytes([tag, len(content)]) + content


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    since: datetime,
    until: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer.subject if issuer else subject, subject, key.public_key(), 7 if issuer else 1, since, until
    ).add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    if issuer is not None:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(purpose, critical=True)
    return builder.sign(issuer_key, SHA256())
