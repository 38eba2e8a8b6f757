"""The transport of an SrtpPeer: ICE, DTLS and SRTP of its own."""

from __future__ import annotations

import asyncio
import re
import secrets

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport


class Wire(asyncio.DatagramProtocol):
    """One transport: controlling ICE towards an ICE-lite server, DTLS, SRTP. `take` gets plain packets."""

    role = "controlling"

    def __init__(self, take) -> None:
        self.take = take
        self.fragment, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.certificate = RTCCertificate.generateCertificate()
        self.answered = asyncio.Event()
        self.connected = False
        self.refused = 0
        self._records: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._task: asyncio.Task | None = None
        self._dtls: RTCDtlsTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    async def connect(self, sdp: str, port: int, setup: str) -> None:
        self._remote = [re.search(rf"a=ice-{n}:(\S+)", sdp)[1] for n in ("ufrag", "pwd")]
        algorithm, digest = re.search(r"a=fingerprint:(\S+) (\S+)", sdp).groups()
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=("127.0.0.1", port))
        self._task = loop.create_task(self._keep_alive())
        await asyncio.wait_for(self.answered.wait(), 15)
        self._dtls = RTCDtlsTransport(self, [self.certificate])
        self._dtls._set_role("client" if setup == "active" else "server")
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, digest)]))
        assert self._dtls.state == "connected"
        self.connected = True

    async def _keep_alive(self) -> None:
        while True:
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{self._remote[0]}:{self.fragment}"
            request.attributes["PRIORITY"] = 1
            request.attributes["ICE-CONTROLLING"] = 7
            request.attributes["USE-CANDIDATE"] = None
            request.add_message_integrity(self._remote[1].encode())
            self.transport.sendto(bytes(request))
            await asyncio.sleep(1.0 if self.connected else 0.1)

    async def _recv(self) -> bytes:
        data = await self._records.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self.transport.sendto(data)

    def send(self, data: bytes, control: bool = False) -> None:
        if self.connected and not self.transport.is_closing():
            session = self._dtls._tx_srtp
            self.transport.sendto(session.protect_rtcp(data) if control else session.protect(data))

    def datagram_received(self, data: bytes, address: tuple) -> None:
        if data[0] < 4:
            self.answered.set()
        elif data[0] < 64:
            self._records.put_nowait(data)
        elif self.connected:
            control = 192 <= data[1] < 224
            session = self._dtls._rx_srtp
            try:
                plain = session.unprotect_rtcp(data) if control else session.unprotect(data)
            except Exception:
                self.refused += 1  # A copy: SRTP takes each packet once.
            else:
                self.take(plain, control)

    def lines(self, setup: str) -> list[str]:
        digest = next(f for f in self.certificate.getFingerprints() if f.algorithm == "sha-256")
        return [
            "c=IN IP4 0.0.0.0",
            "a=rtcp-mux",
            f"a=ice-ufrag:{self.fragment}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {digest.value}",
            f"a=setup:{setup}",
        ]

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._dtls is not None:
            await self._dtls.stop()
        if self._task is not None:
            self.transport.close()
