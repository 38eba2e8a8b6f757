"""One sitting of a soak: four parties come, things happen to them by the dice, all meet again, it closes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta

import aiohttp

from cases.casefile import Channel
from cases.clock import SystemClock
from cases.database import Database
from cases.organisations import find_office
from cases.people import PersonDetails
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM
from tests.soak.peer import Workbench
from tests.soak.seat import EXPECTED, Seat, sizes
from web.demo.day import joint_session, party_links
from web.demo.people import HOST
from web.notice import current_notice

CITIZEN, DISTRICT = 0, 1
STREAMS = 6  # sound and picture of three others
ATTEMPTS, SILENCE = 3, 15.0  # seconds
BREATH = (0.3, 1.5)  # seconds between two things that happen


class Sitting:
    """`hold` goes from the first link to the close. `happened` counts what the dice chose."""

    def __init__(self, base: str, paths: list[str], bench: Workbench, dice: random.Random) -> None:
        self.happened: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._base, self._paths, self._bench, self._dice = base, paths, bench, dice
        self._seats: list[Seat] = []
        self._paused = False

    async def hold(self, seconds: float) -> None:
        """Raises AssertionError when at the end not everybody hears everybody."""
        async with AsyncExitStack() as stack:
            for number, path in enumerate(self._paths):
                jar = aiohttp.CookieJar(unsafe=True)
                http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
                seat = Seat(number, self._base, path, http, self._bench)
                stack.push_async_callback(seat.close)
                self._seats.append(seat)
            await self._begin()
            await self._live(seconds)
            await self._meet_again()
            await self._conduct_again()
            await self._host.ask("close")
        for seat in self._seats:
            self.refused += seat.refused

    @property
    def _host(self) -> Seat:
        return self._seats[DISTRICT]

    async def _begin(self) -> None:
        notice = current_notice()
        for seat in self._seats:
            await seat.come((notice.version, notice.digest))
        await self._admit()
        await asyncio.gather(*(seat.hears(STREAMS) for seat in self._seats))
        await self._host.ask("open")

    async def _admit(self) -> None:
        citizen = self._seats[CITIZEN]
        await citizen.attempt("ready", device={"camera": True})
        await self._host.attempt("admit", participant_id=citizen.participant_id)
        await citizen.admitted()

    async def _live(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            happening = self._dice.choice(HAPPENINGS)
            self.happened[happening.__name__.strip("_")] += 1
            try:
                await happening(self, self._dice.choice(self._seats))
            except EXPECTED as error:
                self.refused[f"{happening.__name__}: {error!r}"[:80]] += 1
            await asyncio.sleep(self._dice.uniform(*BREATH))

    async def _meet_again(self) -> None:
        """Everybody unmuted, in the room, seen large: all hear all."""
        for seat in self._seats:
            if not seat.connected:
                await seat.return_()
        await self._open_up()
        for seat in self._seats:
            await seat.attempt("watch", tiles=[])
        await self._until_all_hear_all()

    async def _conduct_again(self) -> None:
        """A colleague takes the part over whenever the host is silent for four seconds, at any moment."""
        if await self._host.attempt("take_back"):
            self.happened["host_took_the_part_back"] += 1

    async def _open_up(self) -> None:
        """The host lets everybody be seen and heard."""
        await self._conduct_again()
        if self._paused:
            await self._resume(self._host)
        for seat in self._seats:
            for source in ("microphone", "camera"):
                fields = {"participant_id": seat.participant_id, "source": source, "muted": False}
                await self._host.attempt("mute", **fields)
                await seat.attempt("source_state", source=source, enabled=True)

    async def _until_all_hear_all(self) -> None:
        """Who hears too little negotiates anew, as a page does whose connection stays silent."""
        for _ in range(ATTEMPTS):
            hearing = (seat.hears(STREAMS, SILENCE) for seat in self._seats)
            found = await asyncio.gather(*hearing, return_exceptions=True)
            if not any(found):
                return
            self.happened["silence_ended_by_negotiating_anew"] += 1
            await self._open_up()
            for seat in self._seats:
                await seat.negotiate()
        await asyncio.gather(*(seat.hears(STREAMS) for seat in self._seats))

    # What happens

    async def _mutes_itself(self, seat: Seat) -> None:
        source = self._dice.choice(("microphone", "camera"))
        await seat.attempt("source_state", source=source, enabled=self._dice.random() < 0.5)

    async def _is_muted(self, seat: Seat) -> None:
        source, muted = self._dice.choice(("microphone", "camera")), self._dice.random() < 0.5
        await self._host.attempt("mute", participant_id=seat.participant_id, source=source, muted=muted)

    async def _is_shown_otherwise(self, seat: Seat) -> None:
        others = [other.participant_id for other in self._seats if other is not seat]
        await seat.attempt("watch", tiles=sizes(self._dice, others))

    async def _restarts_ice(self, seat: Seat) -> None:
        if seat.peer is not None and seat.peer.publishing.connected:
            await seat.peer.restart_publish(seat.ask)

    async def _changes_its_network(self, seat: Seat) -> None:
        if seat.peer is not None:
            seat.peer.move()

    async def _publishes_anew(self, seat: Seat) -> None:
        await seat.negotiate()

    async def _leaves_and_returns(self, seat: Seat) -> None:
        await seat.leave()
        await asyncio.sleep(self._dice.uniform(0, 1))
        await seat.return_()

    async def _loses_its_socket(self, seat: Seat) -> None:
        await seat.drop()
        await seat.return_(alive=True)

    async def _vanishes(self, seat: Seat) -> None:
        await seat.vanish()
        await asyncio.sleep(self._dice.uniform(0, 4))
        await seat.return_()

    async def _goes_to_the_lobby(self, seat: Seat) -> None:
        citizen = self._seats[CITIZEN]
        citizen.send_away()
        if await self._host.attempt("move_to_lobby", participant_id=citizen.participant_id, reason=""):
            await self._admit()

    async def _pauses(self, seat: Seat) -> None:
        if self._paused:
            await self._resume(seat)
        else:
            self._paused = await self._host.attempt("pause", reason="商议")

    async def _resume(self, seat: Seat) -> None:
        self._paused = not await self._host.attempt("resume")

    async def _raises_a_hand(self, seat: Seat) -> None:
        await seat.attempt("raise_hand", raised=self._dice.random() < 0.5)


HAPPENINGS = [
    Sitting._mutes_itself,
    Sitting._is_muted,
    Sitting._is_shown_otherwise,
    Sitting._is_shown_otherwise,
    Sitting._restarts_ice,
    Sitting._changes_its_network,
    Sitting._publishes_anew,
    Sitting._leaves_and_returns,
    Sitting._loses_its_socket,
    Sitting._vanishes,
    Sitting._goes_to_the_lobby,
    Sitting._pauses,
    Sitting._raises_a_hand,
]


async def arrange(database: Database, number: int) -> list[str]:
    """A session of a new case that can begin now; the paths of its four links, citizen first, then host."""
    clock = SystemClock()
    async with database.session() as db:
        office = await find_office(db, HOST.region_code)
        assert office is not None
        person = PersonDetails(f"来访人{number}", f"139{number:08d}")
        command = RegisterPetition(Channel.VISIT, f"事项 {number}", "长时间运行。", person, office.id)
        petition, _ = await register_petition(db, clock, SYSTEM, command)
        session = await joint_session(db, clock, petition, timedelta(hours=1), accounts=False)
        return [link.path for link in await party_links(db, clock, session)]
