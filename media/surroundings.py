"""What everything in one worker shares; made once by the worker, handed down."""

from collections.abc import Callable
from dataclasses import dataclass

from media.aiortc_port import Certificate
from media.config import MediaConfig
from media.control import Event
from media.gate import Gate
from media.ice import Credentials
from media.negotiation import LocalEnd
from media.sink import RecorderFactory


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`emit` tells an Event to the controllers; `clock` is monotonic seconds."""

    config: MediaConfig
    gate: Gate
    certificate: Certificate
    recorder_factory: RecorderFactory
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    # What is offered to browsers, and whether over TCP as well.
    addresses: tuple[str, ...]
    tcp: bool

    def local_end(self, credentials: Credentials, session_id: int = 1) -> LocalEnd:
        """This end of a transport with these credentials."""
        port = self.gate.port.socket.getsockname()[1]
        fingerprint = self.certificate.fingerprint
        return LocalEnd(credentials, fingerprint, self.addresses, port, self.tcp, session_id)
