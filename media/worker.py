"""The media worker process: one event loop, one port number for UDP and TCP, one control socket."""

import asyncio
import gc
import logging
import secrets
import signal
import sys

from media.addresses import local_addresses, read_addresses
from media.aiortc_port import Certificate
from media.batch import BATCHING
from media.commands import Commands
from media.config import MediaConfig
from media.control_server import ControlServer
from media.datagrams import DatagramPort, open_ports
from media.fastlane import FastLane
from media.gate import Gate
from media.memory import map_large_blocks
from media.networks import Networks
from media.selector import loop_factory
from media.sink import RecorderFactory
from media.surroundings import Surroundings
from media.tcp import TcpPort, open_listeners

logger = logging.getLogger(__name__)

# Each room's tick; they take turns within it. What cannot wait so long does not wait for it.
TICK = 0.1
# How long the recorder's writer may keep the interpreter from a packet that needs it. Seconds.
SWITCH_INTERVAL = 0.001
SHUTDOWN_TIMEOUT = 1.5


class Worker:
    """Everything of one worker. `run` ends when `stop` is called; what it opened is closed in reverse."""

    def __init__(self, config: MediaConfig, recorder_factory: RecorderFactory, lane: FastLane | None) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        addresses = read_addresses(config.addresses)
        local = local_addresses(addresses)
        ports = open_ports(local, config.port, config.batched)
        self._gate = Gate(*ports, networks=Networks(config.networks), lane=lane)
        if lane is not None:
            for port in ports:
                lane.watch(port)
        number = self._gate.port.socket.getsockname()[1]
        listeners = open_listeners(local, number) if config.tcp else []
        self._tcp = TcpPort(self._gate, listeners, self._loop)
        if listeners:
            self._gate.join(self._tcp)
        self._control = ControlServer(config.socket_path, lambda request: self._commands.handle(request))
        surroundings = Surroundings(
            config=config,
            gate=self._gate,
            certificate=Certificate(),
            recorder_factory=recorder_factory,
            emit=self._control.emit,
            clock=self._loop.time,
            addresses=tuple(address.offered for address in addresses),
            tcp=bool(listeners),
        )
        self._commands = Commands(surroundings, secrets.token_hex(8))
        self._controlled_at = self._loop.time()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until stopped, then close rooms, recorders and sockets within two seconds."""
        await self._control.open()
        for port in self._gate.udp_ports:
            self._loop.add_reader(port.socket.fileno(), self._readable, port)
            logger.info("Media worker on %s", port.socket.getsockname())
        self._tcp.open()
        logger.info("Control at %s", self._config.socket_path)
        self._tick()
        try:
            await self._stopping.wait()
        finally:
            self._next_tick.cancel()
            await self._close()

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._commands.close("worker_stopped")
        except TimeoutError:
            logger.error("Closing the rooms took too long; leaving the rest")
        for port in self._gate.udp_ports:
            self._loop.remove_reader(port.socket.fileno())
        await self._control.close()
        await self._gate.close()
        self._tcp.close()

    def _readable(self, port: DatagramPort) -> None:
        self._gate.read(self._loop.time(), port)

    def _tick(self) -> None:
        """One room's turn after the other. A plain callback: a task that sleeps costs a third more."""
        now = self._loop.time()
        try:
            if self._gate.lane is not None:
                self._gate.lane.read_clock()
            self._commands.tick(now)
            self._tcp.tick(now)
            self._watch_controller(now)
        except Exception:
            logger.exception("A tick failed")
        self._next_tick = self._loop.call_later(TICK / self._commands.turns, self._tick)
        self._gate.flush()

    def _watch_controller(self, now: float) -> None:
        if self._control.connected:
            self._controlled_at = now
        elif self._commands.rooms and now - self._controlled_at > self._config.controller_timeout:
            logger.warning("No controller for %s s; closing all rooms", self._config.controller_timeout)
            self._controlled_at = now
            self._gate.spawn(self._commands.close("controller_lost"))


def run_worker(config: MediaConfig, recorder_factory: RecorderFactory) -> None:
    """Run a media worker in this process until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    map_large_blocks()
    # Nothing on the packet path makes cycles; the collector would only look through the caches.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    sys.setswitchinterval(SWITCH_INTERVAL)
    lane = FastLane.open() if config.fast_path and config.batched and BATCHING else None
    logger.info("Packets are forwarded by %s", "compiled code" if lane is not None else "Python")
    with asyncio.Runner(loop_factory=loop_factory(lane)) as runner:
        runner.run(_run(config, recorder_factory, lane))


async def _run(config: MediaConfig, recorder_factory: RecorderFactory, lane: FastLane | None) -> None:
    worker = Worker(config, recorder_factory, lane)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
