"""The media worker process: one event loop, one UDP port, one control socket."""

import asyncio
import gc
import logging
import secrets
import signal

import uvloop

from media.aiortc_port import Certificate
from media.commands import Commands
from media.config import MediaConfig
from media.control_server import ControlServer
from media.datagrams import open_port
from media.gate import Gate
from media.sink import RecorderFactory
from media.surroundings import Surroundings

logger = logging.getLogger(__name__)

TICK = 0.05
SHUTDOWN_TIMEOUT = 1.5


class Worker:
    """Everything of one worker. `run` ends when `stop` is called; what it opened is closed in reverse."""

    def __init__(self, config: MediaConfig, recorder_factory: RecorderFactory) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._gate = Gate(open_port(config.bind_address, config.port, config.batched))
        self._control = ControlServer(config.socket_path, lambda request: self._commands.handle(request))
        surroundings = Surroundings(
            config=config,
            gate=self._gate,
            certificate=Certificate(),
            recorder_factory=recorder_factory,
            emit=self._control.emit,
            clock=self._loop.time,
        )
        self._commands = Commands(surroundings, secrets.token_hex(8))
        self._controlled_at = self._loop.time()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until stopped, then close rooms, recorders and sockets within two seconds."""
        await self._control.open()
        udp = self._gate.port.socket
        self._loop.add_reader(udp.fileno(), self._readable)
        logger.info("Media worker on %s, control at %s", udp.getsockname(), self._config.socket_path)
        ticking = asyncio.create_task(self._tick())
        try:
            await self._stopping.wait()
        finally:
            ticking.cancel()
            await self._close()

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._commands.close("worker_stopped"), SHUTDOWN_TIMEOUT)
        except TimeoutError:
            logger.error("Closing the rooms took too long; leaving the rest")
        self._loop.remove_reader(self._gate.port.socket.fileno())
        await self._control.close()
        await self._gate.close()

    def _readable(self) -> None:
        self._gate.read(self._loop.time())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            try:
                self._commands.tick(now)
                await self._watch_controller(now)
            except Exception:
                logger.exception("A tick failed")
            self._gate.port.flush()

    async def _watch_controller(self, now: float) -> None:
        if self._control.connected:
            self._controlled_at = now
        elif self._commands.rooms and now - self._controlled_at > self._config.controller_timeout:
            logger.warning("No controller for %s s; closing all rooms", self._config.controller_timeout)
            await self._commands.close("controller_lost")


def run_worker(config: MediaConfig, recorder_factory: RecorderFactory) -> None:
    """Run a media worker in this process until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # Nothing on the packet path makes cycles; the collector would only look through the caches.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    uvloop.run(_run(config, recorder_factory))


async def _run(config: MediaConfig, recorder_factory: RecorderFactory) -> None:
    worker = Worker(config, recorder_factory)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
