"""The kills in small: a round of what `make kills` does a hundred times; its checks see what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cases.database import Database
from recordings.archive.copies import objects_of
from tests.factories import World
from tests.kills.proof import examine_round
from tests.kills.round import Round

pytestmark = pytest.mark.real_time


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_nothing_written_is_missing_after_kills(
    database: Database, world: World, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    this = Round(database, world, tmp_path, seed=14)  # Who seals is killed after 0.18 s.
    await this.talk(1)
    await this.finish(1)
    async with database.session() as db:
        objects = [(each.row.id, list(await objects_of(db, each.row.id))) for each in this.recorded]
    found = await examine_round(this, objects)
    assert found.faults == []
    assert (found.recordings, len(this.kills), len(this.stages)) == (2, 1, 1)
    assert found.writes > 10 and found.records > 50 and found.gaps >= 1 and found.film_seconds > 1

    # The checks are no show: what is cut off, left out or broken afterwards is found.
    first = this.recorded[0].folder
    cut = max(first.rglob("*.lxj"), key=lambda path: path.stat().st_size)
    cut.write_bytes(cut.read_bytes()[:-400])
    manifest = json.loads((first / "manifest.json").read_bytes())
    for track in manifest["tracks"]:
        track["gaps"] = []
    (first / "manifest.json").write_text(json.dumps(manifest))
    film = first / "composed.mp4"
    film.write_bytes(film.read_bytes()[:-20_000])
    said = "\n".join((await examine_round(this, objects)).faults)
    for part in ("is not what was sealed", "are gone", "records are sealed", "no gap is told", "the film"):
        assert part in said, said
