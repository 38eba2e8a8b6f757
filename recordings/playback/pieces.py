"""Pieces: ten seconds of one track as bytes for a browser, made from the journals when somebody asks.

Bounded throughout: two are made at once, so many wait, and windows are kept up to so many bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cases.errors import Conflict, NotFound
from recordings.playback import fragments, webm
from recordings.playback.catalogue import Catalogue, Track, read_catalogue
from recordings.playback.window import PIECE, PIECES, Shot, Window, read_window

AT_ONCE = 2
MOST_WAITING = 64
KEPT_BYTES = 64 << 20
KEPT_WINDOWS = 64
KEPT_CATALOGUES = 16
FORESEEN = 9  # parties, as many as a page shows at once
LARGEST = 64 << 20  # bytes of one piece; what leads to its first picture is left out beyond
Made = TypeVar("Made")


class Busy(Conflict):
    """So many pieces are wanted that this one has to be asked for again."""


@dataclass(frozen=True)
class Piece:
    """``body`` is empty where the track has nothing in these seconds.

    ``start`` and ``end`` in seconds of the recording; ``turns``: (second, degrees clockwise) at which
    pictures stand another way up from then on, the first one included; ``keys``: seconds of the key frames.
    ``begins``: a decoder can begin with it. ``rest``: so many frames of the piece are given, and more follow
    when it is asked for ``after`` them; 0: that was all.
    """

    kind: str
    body: bytes
    start: float = 0.0
    end: float = 0.0
    turns: tuple[tuple[float, int], ...] = ()
    keys: tuple[float, ...] = ()
    begins: bool = False
    rest: int = 0


@dataclass(frozen=True)
class Cut:
    """Which part of a piece is asked for.

    With ``lead`` it begins at the key frame that its first picture is made from, else where the piece before
    it ended, to be played after that. ``head``: only what comes in so many seconds of it, so that a picture
    is soon there (the whole where that is nothing); ``after``: without so many frames that were given before.
    """

    lead: bool = False
    head: int | None = None
    after: int = 0


def cut_piece(track: Track, window: Window, number: int, cut: Cut) -> Piece:
    """Piece ``number`` of a track, or a part of it."""
    shots = window.shots.get(track.number, ())
    own = [place for place, shot in enumerate(shots) if shot.piece == number][cut.after :]
    if not own:
        return Piece(_kind(track, b""), b"")
    first = own[0]
    if cut.lead:
        first = _leading(shots, first)
    last, rest = own[-1], 0
    if cut.head is not None:
        soon = [place for place in own if shots[place].at < number * PIECE + cut.head]
        if soon and first <= soon[-1] < last:
            last, rest = soon[-1], cut.after + len(soon)
    chosen = shots[first : last + 1]
    body = _media(track, chosen)
    key = next((shot for shot in chosen if shot.key), None)
    begins = cut.lead and key is not None
    if begins and key is not None:
        body = _beginning(track, key.data) + body
    kind = _kind(track, key.data if key else b"")
    keys = tuple(round(shot.at, 3) for shot in chosen if shot.key)
    end = chosen[-1].at + chosen[-1].length
    return Piece(kind, body, chosen[0].at, end, _turns(chosen), keys, begins, rest)


def _leading(shots: Sequence[Shot], first: int) -> int:
    """The place of the key frame at or before ``first``; the next one after where that is too far."""
    place, size = first, 0
    while place > 0 and not shots[place].key and size < LARGEST:
        place -= 1
        size += len(shots[place].data)
    if shots[place].key:
        return place
    return next((later for later in range(first, len(shots)) if shots[later].key), first)


def _kind(track: Track, first: bytes) -> str:
    return webm.TYPES[track.codec] if track.codec in webm.TYPES else fragments.kind_of(first)


def _beginning(track: Track, first: bytes) -> bytes:
    return webm.beginning(track.codec, first) if track.codec in webm.TYPES else fragments.beginning(first)


def _media(track: Track, shots: Sequence[Shot]) -> bytes:
    if track.codec in webm.TYPES:
        return webm.clusters(shots)
    groups: list[list[Shot]] = []
    for shot in shots:
        if groups and shot.at - groups[-1][-1].at <= groups[-1][-1].length + 0.01:
            groups[-1].append(shot)
        else:
            groups.append([shot])
    return b"".join(fragments.fragment(group) for group in groups)


def _turns(shots: Sequence[Shot]) -> tuple[tuple[float, int], ...]:
    found: list[tuple[float, int]] = []
    for shot in shots:
        if not found or found[-1][1] != shot.turn:
            found.append((round(shot.at, 3), shot.turn))
    return tuple(found)


class PieceMaker:
    """Makes pieces off the event loop. Owned: two threads, the windows and catalogues it keeps."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pieces")
        self._waiting = 0
        self._lock = threading.Lock()
        self._making: dict[tuple[str, str, int], threading.Lock] = {}
        self._windows: OrderedDict[tuple[str, str, int], Window] = OrderedDict()
        self._catalogues: OrderedDict[tuple[Path, str], Catalogue] = OrderedDict()

    async def catalogue(self, folder: Path, started_at: datetime, version: str) -> Catalogue:
        """The tracks of a folder; kept under ``version``, which changes whenever the files may have."""
        return await self._run(lambda: self._catalogue(folder, started_at, version))

    async def piece(
        self, folder: Path, started_at: datetime, version: str, track: int, number: int, cut: Cut
    ) -> Piece:
        """One piece. Raises NotFound ``no_such_track`` or ``no_such_piece``, Busy, OSError."""
        return await self._run(lambda: self._piece(folder, started_at, version, track, number, cut))

    def foresee(self, catalogue: Catalogue, version: str, people: Sequence[str], second: float) -> None:
        """Begin with what a page that opens at this second will ask for: of these participants, in the order
        in which it shows them. Nobody is kept waiting for it."""
        if not self._waiting:
            self._threads.submit(self._foresee, catalogue, version, people[:FORESEEN], second)

    def _foresee(self, catalogue: Catalogue, version: str, people: Sequence[str], second: float) -> None:
        with contextlib.suppress(OSError):  # Whoever asks for the piece is told.
            piece = piece_at(catalogue, second)
            for participant_id in people:
                self._window(catalogue, version, participant_id, piece)

    async def _run(self, make: Callable[[], Made]) -> Made:
        if self._waiting >= MOST_WAITING:
            raise Busy("pieces_busy", "回放的人太多，请稍候再试。")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, make)
        finally:
            self._waiting -= 1

    def _piece(
        self, folder: Path, started_at: datetime, version: str, track: int, number: int, cut: Cut
    ) -> Piece:
        catalogue = self._catalogue(folder, started_at, version)
        if not 0 <= track < len(catalogue.tracks):
            raise NotFound("no_such_track", "录像里没有这一路。")
        wanted = catalogue.tracks[track]
        if not 0 <= number <= last_piece(catalogue):
            raise NotFound("no_such_piece", "录像没有这么长。")
        return cut_piece(
            wanted, self._window(catalogue, version, wanted.participant_id, number), number, cut
        )

    def _catalogue(self, folder: Path, started_at: datetime, version: str) -> Catalogue:
        with self._lock:
            found = self._catalogues.get((folder, version))
            if found is not None:
                self._catalogues.move_to_end((folder, version))
                return found
        made = read_catalogue(folder, started_at)
        with self._lock:
            self._catalogues[folder, version] = made
            while len(self._catalogues) > KEPT_CATALOGUES:
                self._catalogues.popitem(last=False)
        return made

    def _window(self, catalogue: Catalogue, version: str, participant_id: str, piece: int) -> Window:
        """Made once, also when picture and sound ask for it in the same moment."""
        number = piece // PIECES
        key = (f"{catalogue.folder}:{version}", participant_id, number)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                found = self._windows.get(key)
                if found is not None:
                    self._windows.move_to_end(key)
            if found is None:
                found = read_window(catalogue, participant_id, number)
                self._keep(key, found)
        with self._lock:
            self._making.pop(key, None)
        return found

    def _keep(self, key: tuple[str, str, int], window: Window) -> None:
        with self._lock:
            self._windows[key] = window
            total = sum(each.size for each in self._windows.values())
            while self._windows and (total > KEPT_BYTES or len(self._windows) > KEPT_WINDOWS):
                total -= self._windows.popitem(last=False)[1].size

    def close(self) -> None:
        """Let go of the threads; what is being made is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def piece_at(catalogue: Catalogue, second: float) -> int:
    """Number of the piece that holds a second, the last one for what is beyond the end."""
    return min(int(max(second, 0.0) // PIECE), last_piece(catalogue))


def last_piece(catalogue: Catalogue) -> int:
    """Number of the last piece that may hold anything."""
    return int(catalogue.seconds // PIECE)
