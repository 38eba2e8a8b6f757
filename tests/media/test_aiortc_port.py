"""The contract with the pinned libraries: every private name that media/aiortc_port.py leans on."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport

from media.aiortc_port import (
    INBOX_CEILING,
    Certificate,
    DtlsLink,
    Fingerprint,
    HandshakeError,
    SrtpPair,
    new_length,
    protect,
    unprotect,
)
from media.datagrams import ffi


def test_the_versions_are_the_ones_this_was_written_for() -> None:
    assert (version("aiortc"), version("pylibsrtp")) == ("1.16.0", "1.0.0")


def test_the_private_names_exist() -> None:
    for name in ("_set_role", "_setup_srtp", "_recv_next", "_write_ssl"):
        assert hasattr(RTCDtlsTransport, name)


class Pair:
    """Two links whose datagrams reach each other, but for those that `lose` says are lost."""

    def __init__(self, lose: tuple[int, ...] = ()) -> None:
        self.certificates = (Certificate(), Certificate())
        self.closed: list[str] = []
        self.sent = 0
        self.lose = lose
        self.client = DtlsLink(
            self.certificates[0], True, self._to("server"), lambda: self.closed.append("client")
        )
        self.server = DtlsLink(
            self.certificates[1], False, self._to("client"), lambda: self.closed.append("server")
        )

    def _to(self, name: str):
        def deliver(data: bytes) -> None:
            self.sent += 1
            if self.sent not in self.lose:
                getattr(self, name).receive(data)

        return deliver

    async def connect(self, wrong: bool = False) -> list[SrtpPair | BaseException]:
        prints = [c.fingerprint for c in self.certificates]
        expected = Fingerprint("sha-256", ":".join(["00"] * 32)) if wrong else prints[0]
        return await asyncio.gather(
            self.client.handshake([prints[1]], 10),
            self.server.handshake([expected], 10),
            return_exceptions=True,
        )


@pytest.mark.parametrize("lose", [(), (1,), (2,), (3, 4)])
async def test_a_handshake_gives_two_sessions_that_understand_each_other(lose: tuple[int, ...]) -> None:
    pair = Pair(lose)
    client, server = await pair.connect()
    assert isinstance(client, SrtpPair) and isinstance(server, SrtpPair)
    packet = b"\x80\x60\x00\x01" + bytes(8) + b"payload"
    buffer, length = ffi.new("char[]", 2048), new_length()
    ffi.buffer(buffer)[0 : len(packet)] = packet
    length[0] = len(packet)
    assert protect(client.outbound, buffer, length) == 0
    assert length[0] > len(packet)
    assert unprotect(server.inbound, buffer, length) == 0
    assert ffi.buffer(buffer)[0 : length[0]] == packet
    await pair.client.close()
    await asyncio.sleep(0.05)
    assert pair.closed == ["server"]
    await pair.server.close()


async def test_a_foreign_certificate_is_refused() -> None:
    pair = Pair()
    _, server = await pair.connect(wrong=True)
    assert isinstance(server, HandshakeError)
    await pair.client.close()
    await pair.server.close()


async def test_a_handshake_that_gets_no_answer_times_out() -> None:
    link = DtlsLink(Certificate(), True, lambda data: None, lambda: None)
    with pytest.raises(TimeoutError):
        await link.handshake([Certificate().fingerprint], 0.1)
    await link.close()


async def test_waiting_datagrams_are_bounded() -> None:
    link = DtlsLink(Certificate(), False, lambda data: None, lambda: None)
    assert [link.receive(b"\x16") for _ in range(INBOX_CEILING + 3)].count(False) == 3
