"""Day roots are stamped by an authority's clock; they wait while it is away, and no bad answer is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cases.database import Database
from cases.policy import SYSTEM
from recordings import watcher
from recordings.alarms import AlarmKind, AlarmState, list_alarms
from recordings.evidence.day_root import days_of, read_day
from recordings.evidence.inclusion import DAY_TOKEN, proof_files
from recordings.evidence.keys import open_register, revoke_key
from recordings.evidence.manifest import sha256_hex
from recordings.evidence.timestamp import TimeStampError, check_answer, check_token, make_request, time_of
from recordings.evidence.timestamp_http import HttpAuthority
from recordings.packages.check import verify_path
from recordings.watch import stamping
from recordings.watch.day_lines import StampState, read_line
from recordings.watch.office_check import verify_office
from recordings.watch.stamping import (
    CEILING,
    ROUND,
    STATE_FILE,
    StampSettings,
    stamp_waiting,
    waiting,
    watch_stamps,
)
from tests.clock import FixedClock
from tests.recordings.authority import Authority, PastAuthority, Server
from tests.recordings.offices import OFFICE, Office
from tests.recordings.sitting import Sitting
from tests.recordings.test_worker import make_worker
from web.cli import app

COUNT = 5  # recordings, on three days
SECOND = timedelta(seconds=1)


@pytest.fixture
def database_system() -> str:
    """One system is enough: what is stamped lies on the disk."""
    return "sqlite"


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    home = tmp_path_factory.mktemp("authorities")
    return Authority(home / "known"), Authority(home / "stranger")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Office(tmp_path_factory.mktemp("office")).fill(COUNT).home


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Office:
    return Office(Path(shutil.copytree(template, tmp_path / "home")))


@pytest.fixture
async def server(authorities: tuple[Authority, Authority]) -> AsyncIterator[Server]:
    async with Server(*authorities) as made:
        yield made


def settings_of(server: Server) -> StampSettings:
    return StampSettings(HttpAuthority(server.url, seconds=5), server.authority.certificate)


def ledgers(office: Office) -> Path:
    return office.directory.parent


async def stamp(office: Office, server: Server, clock: FixedClock) -> int:
    return await stamp_waiting(clock, ledgers(office), settings_of(server))


def stamped(office: Office, authorities: tuple[Authority, Authority]) -> Path:
    """Stamp the first day without a server; returns the token."""
    day = read_day(days_of(office.directory)[0])
    day.token_path.write_bytes(authorities[0].reply(make_request(day.statement)))
    return day.token_path


async def test_every_day_root_is_stamped_and_the_token_is_checked_offline(
    office: Office, server: Server, clock: FixedClock
) -> None:
    began = datetime.now(UTC) - 2 * SECOND
    assert await stamp(office, server, clock) == 3 and waiting(ledgers(office)) == []
    certificate, register = server.authority.certificate, open_register(office.keys)
    for path in days_of(office.directory):
        day = read_day(path)
        at = check_token(day.statement, day.token_path.read_bytes(), certificate)
        assert began <= at <= datetime.now(UTC) + SECOND
    verdict = verify_office(office.root, OFFICE["id"], register, authority=certificate)
    assert verdict.intact and "3 of 3" in verdict.lines()[-1], verdict.lines()
    one = verify_path(office.folder(1), register=register, authority=certificate)
    assert one.intact and [note.code for note in one.notes] == ["day_root", "time_stamp"]
    command = ["verify", str(office.folder(1)), "--authority", str(certificate)]
    assert "时间戳机构证明" in CliRunner().invoke(app, command).output
    without = verify_path(office.folder(1), register=register)
    assert [note.code for note in without.notes] == ["day_root", "time_stamp_unchecked"]
    assert await stamp(office, server, clock) == 0 and server.asked == 3


@pytest.mark.parametrize(
    ("habit", "cause"),
    [
        ("down", "away"), ("elsewhere", "away"), ("html", "wrong"), ("garbage", "wrong"), ("empty", "wrong"),
        ("cut", "wrong"), ("flipped", "wrong"), ("endless", "wrong"), ("other nonce", "wrong"),
        ("other digest", "wrong"), ("stranger", "wrong"), ("rejected", "wrong"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_is_not_kept_and_asked_for_again(
    office: Office, server: Server, clock: FixedClock, habit: str, cause: str
) -> None:
    server.habit = habit
    assert await stamp(office, server, clock) == 0
    assert not list(office.directory.glob("*.tsr")) and len(waiting(ledgers(office))) == 3
    state = json.loads((ledgers(office) / STATE_FILE).read_bytes())
    assert (state["cause"], state["attempts"]) == (cause, 1)
    server.habit, asked = "good", server.asked
    assert await stamp(office, server, clock) == 0 and server.asked == asked, "a pause comes first"
    clock.advance(seconds=30)
    assert await stamp(office, server, clock) == 3


async def test_pauses_grow_and_outlive_the_worker(office: Office, server: Server, clock: FixedClock) -> None:
    server.habit = "down"
    for asked, seconds in enumerate((30, 60, 120, 240), 1):
        assert await stamp(office, server, clock) == 0 and server.asked == asked
        clock.advance(seconds=seconds - 1)
        assert await stamp(office, server, clock) == 0 and server.asked == asked
        clock.advance(seconds=1)
    (ledgers(office) / STATE_FILE).write_bytes(b"\xff")
    server.habit = "good"
    assert await stamp(office, server, clock) == 3, "a pace that cannot be read is none"
    assert not (ledgers(office) / STATE_FILE).exists()


async def test_nobody_listens_and_what_came_stays(office: Office, server: Server, clock: FixedClock) -> None:
    nobody = StampSettings(HttpAuthority("http://127.0.0.1:9/", 5), server.authority.certificate)
    assert await stamp_waiting(clock, ledgers(office), nobody) == 0
    clock.advance(seconds=30)
    settings = settings_of(server)
    gone = replace(settings, certificate=office.home / "nothing.pem")
    assert await stamp_waiting(clock, ledgers(office), gone) == 0
    clock.advance(hours=1)
    assert await stamp(office, server, clock) == 3


def test_the_queue_has_a_ceiling_and_the_oldest_come_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [path.stem for path in waiting(ledgers(office))] == ["2024-11-02", "2024-11-03", "2024-11-04"]
    monkeypatch.setattr(stamping, "CEILING", 2)
    assert [path.stem for path in waiting(ledgers(office))] == ["2024-11-03", "2024-11-04"]
    assert len(days_of(office.directory)) == 3 and CEILING >= 366 and ROUND > 0


async def test_what_waits_for_more_than_a_day_is_an_alarm_once(office: Office, database: Database) -> None:
    made_at = datetime(2024, 11, 2, 17, tzinfo=UTC)  # of the first of three
    clock = FixedClock(made_at + timedelta(days=1))
    async with database.session() as db:
        assert await watch_stamps(db, clock, ledgers(office)) == []
        clock.advance(seconds=1)
        for _ in range(2):
            (trouble,) = await watch_stamps(db, clock, ledgers(office))
        (alarm,) = await list_alarms(db, SYSTEM, AlarmState.OPEN)
        assert alarm.kind is AlarmKind.STAMP == trouble.kind and "2024-11-02" in alarm.findings[0]["text"]
        days_of(office.directory)[0].with_suffix(".tsr").write_bytes(b"came")
        assert await watch_stamps(db, clock, ledgers(office)) == []


async def test_the_worker_asks_by_itself(
    sitting: Sitting, server: Server, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sitting.root.parent
    for name in ("ledger", "keys"):
        shutil.copytree(template / name, home / name)
    sitting.root.mkdir(exist_ok=True)
    working = make_worker(sitting, stamps=settings_of(server))
    monkeypatch.setattr(watcher, "check_when_due", _nothing_due)
    await working.watch_once()
    assert len(list((home / "ledger").glob("*/*.tsr"))) == 3


async def _nothing_due(*_: object) -> bool:
    return False


def test_a_token_that_was_changed_swapped_or_given_by_a_stranger(
    office: Office, authorities: tuple[Authority, Authority]
) -> None:
    token, register = stamped(office, authorities), open_register(office.keys)
    good, day = token.read_bytes(), read_day(days_of(office.directory)[0])
    other = make_request(read_day(days_of(office.directory)[1]).statement)
    for wrong in (
        good[:-30] + bytes([good[-30] ^ 1]) + good[-29:],
        b"",
        b"garbage",
        authorities[0].reply(other),
        authorities[1].reply(make_request(day.statement)),
    ):
        token.write_bytes(wrong)
        verdict = verify_path(office.folder(1), register=register, authority=authorities[0].certificate)
        assert [finding.code for finding in verdict.findings] == ["time_stamp_wrong"], wrong[:20]
        whole = verify_office(office.root, OFFICE["id"], register, authority=authorities[0].certificate)
        assert [finding.code for finding in whole.findings] == ["time_stamp_wrong"]
    token.write_bytes(good)
    assert time_of(good) == check_token(day.statement, good, authorities[0].certificate)
    with pytest.raises(TimeStampError):
        check_token(day.statement + b" ", good, authorities[0].certificate)


@pytest.mark.parametrize("before", [True, False])
def test_a_key_revoked_after_and_before_the_stamp(
    office: Office, authorities: tuple[Authority, Authority], before: bool
) -> None:
    """The stamp is of today; the key is revoked a day later, or a day earlier, long after the sealing."""
    token = stamped(office, authorities)
    since = time_of(token.read_bytes()) + timedelta(days=1 if before else -1)
    revoke_key(office.keys, open_register(office.keys).keys[0].fingerprint, "遗失", since, since)
    verdict = verify_path(
        office.folder(1), register=open_register(office.keys), authority=authorities[0].certificate
    )
    assert verdict.intact, verdict.lines()
    told = "stamped_before_revocation" if before else "stamped_after_revocation"
    assert verdict.notes[-1].code == told and verdict.notes[0].code == "key_revoked_later"


def test_a_package_carries_the_token(office: Office, authorities: tuple[Authority, Authority]) -> None:
    token = stamped(office, authorities)
    data = (office.folder(1) / "manifest.json").read_bytes()
    files = proof_files(office.directory, json.loads(data), sha256_hex(data))
    assert files[DAY_TOKEN] == token.read_bytes()
    data = (office.folder(5) / "manifest.json").read_bytes()
    assert DAY_TOKEN not in proof_files(office.directory, json.loads(data), sha256_hex(data))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastAuthority:
    """Its certificates were good through 2024 and 2025."""
    home = tmp_path_factory.mktemp("past") / "authority"
    return PastAuthority(home, datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def test_a_stamp_given_while_the_certificate_was_good_holds_after_its_expiry(
    office: Office, past: PastAuthority
) -> None:
    day = read_day(days_of(office.directory)[0])
    at = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)
    day.token_path.write_bytes(past.stamp(day.statement, at))
    assert check_token(day.statement, day.token_path.read_bytes(), past.certificate) == at
    register = open_register(office.keys)
    verdict = verify_path(office.folder(1), register=register, authority=past.certificate)
    assert verdict.intact, verdict.lines()
    codes = [note.code for note in verdict.notes]
    assert codes == ["day_root", "time_stamp", "time_stamp_outlived"]
    assert any("仍然成立" in line for line in verdict.lines())
    whole = verify_office(office.root, OFFICE["id"], register, authority=past.certificate)
    assert whole.intact and "1 of 3" in whole.lines()[-1]
    line = read_line(day.path, register, past.certificate)
    assert (line.stamp.state, line.stamp.at) == (StampState.STAMPED, at) and "到期" in line.stamp.text


def test_a_stamp_of_a_time_at_which_the_certificate_was_not_good_proves_nothing(
    office: Office, past: PastAuthority, authorities: tuple[Authority, Authority]
) -> None:
    day, register = read_day(days_of(office.directory)[0]), open_register(office.keys)
    for at in (datetime(2026, 1, 2, tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC)):
        day.token_path.write_bytes(past.stamp(day.statement, at))
        verdict = verify_path(office.folder(1), register=register, authority=past.certificate)
        assert [finding.code for finding in verdict.findings] == ["time_stamp_expired"], at
        whole = verify_office(office.root, OFFICE["id"], register, authority=past.certificate)
        assert [finding.code for finding in whole.findings] == ["time_stamp_expired"]
        assert read_line(day.path, register, past.certificate).stamp.state is StampState.WRONG
    # The same statement under an authority that is good now, and both certificates in one file.
    both = past.home / "both.pem"
    both.write_bytes(past.certificate.read_bytes() + authorities[0].certificate.read_bytes())
    day.token_path.write_bytes(authorities[0].reply(make_request(day.statement)))
    assert verify_path(office.folder(1), register=register, authority=both).notes[-1].code == "time_stamp"
    day.token_path.write_bytes(past.stamp(day.statement, datetime(2025, 6, 1, tzinfo=UTC)))
    assert verify_path(office.folder(1), register=register, authority=both).intact


def test_an_answer_of_an_authority_whose_certificate_has_expired_is_not_kept(past: PastAuthority) -> None:
    request = make_request(b"statement")
    answer = past.stamp(b"statement", datetime(2025, 6, 1, tzinfo=UTC))
    with pytest.raises(TimeStampError) as caught:
        check_answer(request, answer, past.certificate)
    assert caught.value.cause == "expired"
