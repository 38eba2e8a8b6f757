"""Janus VideoRoom (Debian's package `janus`) as the yardstick: its process, and its rooms over WebSocket."""

import asyncio
import contextlib
import itertools
import os
import shutil
from pathlib import Path
from typing import Any, Self

import aiohttp

from bench.peer import Peer

LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu/janus", "/usr/lib/aarch64-linux-gnu/janus", "/usr/lib/janus")
START_TIMEOUT = 15.0
REQUEST_TIMEOUT = 15.0
MOST_PUBLISHERS = 64
_FOLDERS = ("conf", "plugins", "transports", "events", "loggers")
_PLUGIN = "janus.plugin.videoroom"


class JanusError(Exception):
    """Janus did not start or refused a request."""


def missing_janus() -> str | None:
    """Why Janus cannot be measured here, or None."""
    if shutil.which("janus") is None:
        return "the Debian package `janus` is not installed (apt-get install --no-install-recommends janus)"
    if library_folder() is None:
        return f"Janus's plugins are in none of {', '.join(LIBRARY_FOLDERS)}"
    return None


def library_folder() -> Path | None:
    """Where the package keeps its plugins and transports."""
    return next((Path(folder) for folder in LIBRARY_FOLDERS if Path(folder).is_dir()), None)


class JanusProcess:
    """A Janus with VideoRoom and WebSocket only, configured in `directory`, media on `address`.

    `event_loops` 0 is Janus's default (a thread per PeerConnection); 1 serves all from one loop.
    """

    def __init__(
        self, directory: Path, port: int, address: str, core: int | None = None, event_loops: int = 0
    ) -> None:
        self.directory = directory
        self.address = address
        self.port = port
        self.url = f"ws://{address}:{port}"
        self.log_path = directory / "janus.log"
        self._core = core
        self._event_loops = event_loops
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id, once it was started."""
        if self._process is None:
            raise JanusError("Janus was not started")
        return self._process.pid

    async def __aenter__(self) -> Self:
        self._write_configuration()
        command = ["janus", "-F", str(self.directory / "conf")]
        if self._core is not None:
            command = ["taskset", "-c", str(self._core), *command]
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        await self._wait_until_ready()
        return self

    async def __aexit__(self, *exc: object) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _write_configuration(self) -> None:
        libraries = library_folder()
        if libraries is None:
            raise JanusError(missing_janus() or "no plugins")
        folders = {name: self.directory / name for name in _FOLDERS}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        (folders["plugins"] / "libjanus_videoroom.so").symlink_to(libraries / "plugins/libjanus_videoroom.so")
        (folders["transports"] / "libjanus_websockets.so").symlink_to(
            libraries / "transports/libjanus_websockets.so"
        )
        configuration = {
            "janus.jcfg": self._main_configuration(folders),
            "janus.transport.websockets.jcfg": self._websocket_configuration(),
            "janus.plugin.videoroom.jcfg": "general: {\n}\n",
        }
        for name, text in configuration.items():
            (folders["conf"] / name).write_text(text)

    def _main_configuration(self, folders: dict[str, Path]) -> str:
        event_loops = f"event_loops = {self._event_loops}\n" if self._event_loops else ""
        return f"""general: {{
  configs_folder = "{folders["conf"]}"
  plugins_folder = "{folders["plugins"]}"
  transports_folder = "{folders["transports"]}"
  events_folder = "{folders["events"]}"
  loggers_folder = "{folders["loggers"]}"
  debug_level = 2
  debug_timestamps = false
  session_timeout = 0
  {event_loops}
}}
certificates: {{
}}
media: {{
  ipv6 = false
  rtp_port_range = "20000-40000"
}}
nat: {{
  ice_lite = true
  ice_enforce_list = "{self.address}"
  ignore_mdns = true
}}
"""

    def _websocket_configuration(self) -> str:
        return f"""general: {{
  json = "compact"
  ws = true
  ws_port = {self.port}
  ws_ip = "{self.address}"
  wss = false
}}
"""

    async def _wait_until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if self._process is not None and self._process.returncode is not None:
                raise JanusError(f"Janus ended at once: {self.log_path.read_text()[-2000:]}")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self.address, self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise JanusError(f"Janus did not listen within {START_TIMEOUT:.0f} s")


class JanusRooms:
    """VideoRooms on one Janus: one publisher handle and one multistream subscriber handle a peer.

    `feedback` turns transport-wide numbers on. Handles share one Janus session and one WebSocket.
    """

    def __init__(self, url: str, feedback: bool = False) -> None:
        self._url = url
        self._feedback = feedback
        self._transactions = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse
        self._session = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._rooms: dict[str, int] = {}
        self._members: dict[str, list[Peer]] = {}
        self._feeds: dict[int, int] = {}
        self._handles: dict[int, int] = {}
        self._by_handle: dict[int, Peer] = {}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(self._url, protocols=("janus-protocol",))
        self._tasks.append(asyncio.create_task(self._read(), name="janus events"))
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]
        self._tasks.append(asyncio.create_task(self._keep_alive(), name="janus keepalive"))
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._socket.close()
            await self._http.close()

    async def join(self, peer: Peer) -> None:
        """Publish, then subscribe to everybody there; those there subscribe to the newcomer."""
        room = await self._room(peer.room_id)
        await self._publish(peer, room)
        others = self._members.setdefault(peer.room_id, [])
        if others:
            await self._subscribe(peer, room, others)
        for other in others:
            await self._subscribe(other, room, [peer])
        others.append(peer)

    async def leave(self, peer: Peer) -> None:
        """Forget the peer; its handles go with the session."""
        members = self._members.get(peer.room_id, [])
        if peer in members:
            members.remove(peer)

    async def _room(self, name: str) -> int:
        if name not in self._rooms:
            number = self._rooms[name] = 1000 + len(self._rooms)
            handle = await self._attach()
            await self._message(
                handle,
                {
                    "request": "create",
                    "room": number,
                    "publishers": MOST_PUBLISHERS,
                    "audiocodec": "opus",
                    "videocodec": "vp8",
                    "bitrate": 0,
                    "fir_freq": 0,
                    "audiolevel_ext": True,
                    "audiolevel_event": False,
                    "playoutdelay_ext": False,
                    "transport_wide_cc_ext": self._feedback,
                },
            )
        return self._rooms[name]

    async def _publish(self, peer: Peer, room: int) -> None:
        handle = await self._attach()
        joined = await self._event(handle, {"request": "join", "ptype": "publisher", "room": room})
        self._feeds[id(peer)] = joined["plugindata"]["data"]["id"]
        answer = await self._event(handle, {"request": "publish"}, {"type": "offer", "sdp": peer.offer()})
        await peer.accept_publish_answer(answer["jsep"]["sdp"])

    async def _subscribe(self, peer: Peer, room: int, others: list[Peer]) -> None:
        streams = [{"feed": self._feeds[id(other)]} for other in others]
        handle = self._handles.get(id(peer))
        if handle is None:
            handle = self._handles[id(peer)] = await self._attach()
            self._by_handle[handle] = peer
            request = {"request": "join", "ptype": "subscriber", "room": room, "streams": streams}
        else:
            request = {"request": "subscribe", "streams": streams}
        offered = await self._event(handle, request)
        answer = peer.answer(offered["jsep"]["sdp"])
        await self._event(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        peer.begin_hearing()
        await peer.subscribed()

    async def _attach(self) -> int:
        reply = await self._ask({"janus": "attach", "session_id": self._session, "plugin": _PLUGIN})
        return int(reply["data"]["id"])

    async def _message(self, handle: int, body: dict[str, Any]) -> dict[str, Any]:
        """A synchronous plugin request."""
        return await self._event(handle, body)

    async def _event(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "janus": "message",
            "session_id": self._session,
            "handle_id": handle,
            "body": body,
        }
        if jsep is not None:
            request["jsep"] = jsep
        reply = await self._ask(request)
        data = reply.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise JanusError(f"{body['request']}: {data['error']}")
        return reply

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        transaction = f"t{next(self._transactions)}"
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = answer
        try:
            await self._socket.send_json({**request, "transaction": transaction})
            reply = await asyncio.wait_for(answer, REQUEST_TIMEOUT)
        finally:
            self._waiting.pop(transaction, None)
        if reply["janus"] == "error":
            raise JanusError(f"{request['janus']}: {reply['error']['reason']}")
        return reply

    async def _read(self) -> None:
        async for message in self._socket:
            reply = message.json()
            # An `ack` only says that the event comes later under the same transaction.
            waiting = self._waiting.get(reply.get("transaction", ""))
            if reply["janus"] != "ack" and waiting is not None and not waiting.done():
                waiting.set_result(reply)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(20)
            await self._ask({"janus": "keepalive", "session_id": self._session})


def library_version() -> str:
    """The version of the installed package, or `unknown`."""
    folder = library_folder()
    names = sorted(os.listdir(folder / "plugins")) if folder else []
    versions = [name.rpartition(".so.")[2] for name in names if name.startswith("libjanus_videoroom.so.")]
    return max(versions, key=len, default="unknown")
