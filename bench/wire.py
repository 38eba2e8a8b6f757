"""One UDP socket of a load peer: controlling ICE against an ICE-lite server, DTLS, SRTP."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from bench.arrivals import ArrivalBuffer, open_socket
from bench.sdp import Description, LocalTransport
from bench.srtp import Protector, Unprotector

CONNECT_TIMEOUT = 15.0
_CHECK_INTERVAL = 0.1
# A server may set up DTLS only after ICE; OpenSSL would repeat a lost ClientHello as late as 1 s after.
_HELLO_DELAY = 0.02
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# (slot memory, size of the plain packet, arrival in ns)
PacketHandler = Callable[[memoryview, int, int], None]


class ConnectError(Exception):
    """ICE or DTLS did not come about; the text says which."""


class _DatagramDoor:
    """What RTCDtlsTransport asks of an ICE transport: `_recv`, `_send` and `role`."""

    role = "controlling"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=256)

    async def _recv(self) -> bytes:
        data = await self.queue.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class Wire:
    """One transport of a peer. `connect` once, then `send_rtp`, `send_rtcp`, `poll` and `keep_alive`."""

    def __init__(self, certificate: RTCCertificate, address: str, arrivals: ArrivalBuffer) -> None:
        self._certificate = certificate
        self._arrivals = arrivals
        self.socket = open_socket(address)
        self._fd = self.socket.fileno()
        self.ufrag = _random_text(6)
        self.password = _random_text(24)
        self.session_id = secrets.randbits(62)
        self.remote = Description()
        self.remote_address: tuple[str, int] = ("", 0)
        self.connected = False
        self.refused = 0
        self.received = 0
        self.sent = 0
        self.send_errors = 0
        self.on_rtp: PacketHandler = _ignore
        self.on_rtcp: PacketHandler = _ignore
        self.protector: Protector
        self._unprotector: Unprotector | None = None
        self._answered = asyncio.Event()
        self._door = _DatagramDoor(self.send_plain)
        self._dtls: RTCDtlsTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._listening = False

    def local(self) -> LocalTransport:
        """Our side of the description: ICE credentials, fingerprint and address."""
        digest = next(f for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        host, port = self.socket.getsockname()
        fingerprint = ("sha-256", digest.value)
        return LocalTransport(self.ufrag, self.password, fingerprint, (host, port), self.session_id)

    async def connect(self, remote: Description) -> None:
        """Run ICE and DTLS with the server of `remote`. Raises ConnectError after 15 s."""
        if not remote.addresses or not remote.ufrag:
            raise ConnectError("the description has no usable candidate or no ICE credentials")
        self.remote = remote
        self.remote_address = remote.addresses[0]
        self.socket.connect(self.remote_address)
        self.listen(True)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._check_connectivity()
                await self._shake_hands(remote)
        except TimeoutError as error:
            step = "DTLS" if self._answered.is_set() else "ICE"
            raise ConnectError(f"{step} did not finish within {CONNECT_TIMEOUT:.0f} s") from error

    async def _check_connectivity(self) -> None:
        while not self._answered.is_set():
            self.keep_alive()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), _CHECK_INTERVAL)

    async def _shake_hands(self, remote: Description) -> None:
        dtls = RTCDtlsTransport(self._door, [self._certificate])  # type: ignore[arg-type]
        self._dtls = dtls
        dtls._set_role("server" if remote.setup == "active" else "client")
        algorithm, digest = remote.fingerprint
        await asyncio.sleep(_HELLO_DELAY)
        await dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, digest)]))
        if dtls.state != "connected":
            raise ConnectError(f"DTLS ended as {dtls.state}")
        self.protector = Protector(dtls._tx_srtp)
        self._unprotector = Unprotector(dtls._rx_srtp)
        self.connected = True

    def keep_alive(self) -> None:
        """Send a binding request: the first check, and later the consent check (RFC 7675)."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = 1853824767
        request.attributes["ICE-CONTROLLING"] = 0x1234567890ABCDEF
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.remote.password.encode())
        self.send_plain(bytes(request))

    def send_plain(self, data: bytes | memoryview) -> None:
        """Send a datagram as it is. A full or refused socket is counted, never raised."""
        try:
            self.socket.send(data)
            self.sent += 1
        except OSError:
            self.send_errors += 1

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Protect and send one RTP packet."""
        self.send_plain(self.protector.rtp(packet))

    def send_rtcp(self, packet: bytes | bytearray) -> None:
        """Protect and send one compound RTCP packet."""
        self.send_plain(self.protector.rtcp(packet))

    def srtp_contexts(self) -> tuple[Any, Any]:
        """libsrtp's contexts of a connected wire, (inbound, outbound); they live as long as the wire."""
        assert self._unprotector is not None
        return self._unprotector.context, self.protector.context

    def listen(self, on: bool) -> None:
        """Let the event loop call `poll` when something arrives, or leave that to a driver."""
        if on and not self._listening:
            self._loop.add_reader(self._fd, self.poll)
        elif not on and self._listening:
            self._loop.remove_reader(self._fd)
        self._listening = on

    def move(self, address: str) -> None:
        """Go on from another address and port, as a phone does between networks; the next check tells."""
        listening = self._listening
        self.listen(False)
        self.socket.close()
        self.socket = open_socket(address)
        self.socket.connect(self.remote_address)
        self._fd = self.socket.fileno()
        self.listen(listening)

    def poll(self) -> int:
        """Take one batch from the socket and hand it on. Returns the number of datagrams."""
        arrivals = self._arrivals
        batch = arrivals.receive(self._fd)
        self.received += len(batch)
        unprotector = self._unprotector
        for index, (size, arrived_ns) in enumerate(batch):
            view = arrivals.views[index]
            first = view[0] if size else 0xFF
            if 127 < first < 192 and unprotector is not None:
                if 191 < view[1] < 224:
                    size, handler = unprotector.rtcp(arrivals.slots[index], size), self.on_rtcp
                else:
                    size, handler = unprotector.rtp(arrivals.slots[index], size), self.on_rtp
                if size < 0:
                    self.refused += 1
                else:
                    handler(view, size, arrived_ns)
            else:
                self.receive_plain(bytes(view[:size]))
        return len(batch)

    def receive_plain(self, data: bytes) -> None:
        """A datagram that is neither SRTP nor SRTCP."""
        first = data[0] if data else 0xFF
        if 19 < first < 64:
            if not self._door.queue.full():
                self._door.queue.put_nowait(data)
        elif first < 4:
            self._receive_stun(data)

    def _receive_stun(self, data: bytes) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class == stun.Class.RESPONSE:
            if message.check_message_integrity(self.remote.password.encode()):
                self._answered.set()
        elif message.message_class == stun.Class.REQUEST:
            self._answer_check(message)

    def _answer_check(self, request: stun.Message) -> None:
        if not self.remote_address[0]:
            return  # The server was quicker than its own description.
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = self.remote_address
        response.add_message_integrity(self.password.encode())
        self.send_plain(bytes(response))

    async def close(self, polite: bool = True) -> None:
        """Stop DTLS (with close_notify when polite) and close the socket."""
        self.connected = False
        if self._dtls is not None:
            if not polite:
                self._door._send_datagram = _swallow
            await self._dtls.stop()
        self.listen(False)
        self.socket.close()


def _ignore(_view: memoryview, _size: int, _arrived_ns: int) -> None:
    """Nobody asked for these packets."""


def _swallow(_data: Any) -> None:
    """A silent end: nothing more goes out."""


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
