"""Every target is judged by the figures of one run, and says so when they are missing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.forwarding import Failure, Measurement
from bench.joined import median_joining
from bench.point import Point, read_point
from bench.report import head, one_row, ratio_lines, ratios, summary_rows, write_json
from bench.servers import excused
from bench.targets import Figures, Target, memory_slope, targets
from bench.window import Latency


def measurement(
    server: str,
    cpu: float,
    point: str = "1x4",
    number: int = 0,
    p99: float = 0.2,
    loss: float = 0.0,
    memory: float = 80.0,
    late: float = 0.0,
) -> Measurement:
    where = read_point(point)
    return Measurement(
        server=server,
        point=where,
        round=number,
        cpu_per_packet=cpu,
        kernel_share=0.5,
        latency=Latency(0.1, p99, 9.0),
        loss=loss,
        duplicates=0,
        refused=0,
        memory=memory,
        memory_before=75.0,
        packets_per_second=where.forwarded * (1 - loss),
        server_load=0.1,
        generator_load=0.2,
        late=late,
    )


def a_good_run() -> Iterator[Measurement]:
    for point, floor in (("1x4", 10.0), ("4x4", 8.0), ("8x4", 7.0), ("1x10", 6.0)):
        yield measurement("ours", floor * 1.5, point)
        yield measurement("ours-unrecorded", floor * 1.4, point)
        yield measurement("floor", floor, point)
        yield measurement("janus", 70.0, point, p99=0.4)
        yield measurement("janus-1-loop", 60.0, point, p99=0.3)
    yield measurement("ours", 9.0, "50x4", p99=8.0, memory=80.0 + 196)
    yield measurement("floor", 6.0, "50x4")


def judge(*changed: Measurement, joining: float | None = 0.5) -> dict[str, Target]:
    """The good run with some measurements replaced, by target name."""
    replaced = {(m.server, m.point): m for m in changed}
    found = [replaced.get((m.server, m.point), m) for m in a_good_run()]
    return {target.name.split(",")[0]: target for target in targets(Figures(found), joining)}


def test_a_good_run_meets_them_all() -> None:
    assert {name: target.met for name, target in judge().items() if not target.met} == {}


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("CPU per packet at 4x4", measurement("ours", 15.1, "4x4")),
        ("CPU per packet at 8x4", measurement("ours", 15.1, "8x4")),
        ("CPU per packet at 1x10", measurement("ours", 21.1, "1x10")),
        ("CPU per packet over the floor", measurement("ours", 16.1, "1x4")),
        ("p99 added latency in ms", measurement("ours", 12.0, "4x4", p99=0.31)),
        ("50x4 on one core", measurement("ours", 9.0, "50x4", p99=10.1)),
        ("50x4 on one core", measurement("ours", 9.0, "50x4", loss=0.00001)),
        ("forwarded packets/s without loss", measurement("ours", 9.0, "50x4", loss=0.1)),
        ("CPU per packet from 1 room of 4 to 50", measurement("ours", 16.6, "50x4")),
        ("MB for each participant", measurement("ours", 9.0, "50x4", memory=80.0 + 196 * 1.6)),
    ],
)
def test_each_can_be_missed(name: str, worse: Measurement) -> None:
    judged = judge(worse)
    assert judged[name].met is False
    assert str(judged[name]).startswith("NOT met")


def test_the_share_of_recording_is_judged_over_the_points() -> None:
    dear = [measurement("ours-unrecorded", cpu, point) for point, cpu in (("1x4", 13.0), ("4x4", 10.0))]
    assert judge(dear[0])["recording"].met is True
    both = judge(*dear, measurement("ours-unrecorded", 8.9, "8x4"))["recording"]
    assert both.met is False and "1x4 13.3 %, 4x4 16.7 %, 1x10 6.7 %, 8x4 15.2 %" in both.figure


def test_a_slow_joining_is_missed() -> None:
    assert judge(joining=0.71)["link to first picture"].met is False


def test_what_was_not_measured_is_not_met() -> None:
    judged = targets(Figures([measurement("ours", 10)]))
    assert {target.met for target in judged} == {None}
    assert all(str(target).startswith("not measured") for target in judged)


def test_ratios_compare_within_a_round() -> None:
    found = [
        measurement("ours", 10, number=0),
        measurement("janus", 40, number=0),
        measurement("ours", 30, number=1),
        measurement("janus", 60, number=1),
        measurement("ours", 10, "4x4"),
    ]
    assert ratios(Figures(found)) == {"ours": {"janus": {"1x4": 0.375}}}
    assert ratio_lines(Figures(found)) == ["CPU per packet, ours / janus: 1x4 0.38"]


def test_the_floor_tells_how_much_of_the_way_is_left() -> None:
    found = [measurement("floor", 10), measurement("janus", 40)]
    assert ratios(Figures(found)) == {"floor": {"janus": {"1x4": 0.25}}}


def test_the_better_configuration_of_janus_is_the_yardstick() -> None:
    figures = Figures([measurement("janus", 40), measurement("janus-1-loop", 50)])
    assert figures.better_janus(Point(1, 4)) == "janus"
    assert figures.better_janus(Point(4, 4)) is None


def test_memory_is_counted_for_each_further_participant() -> None:
    found = [measurement("ours", 9, "1x4", memory=83.0), measurement("ours", 9, "8x4", memory=111.0)]
    assert memory_slope(Figures(found)) == pytest.approx(1.0)
    assert memory_slope(Figures(found[:1])) is None


def test_the_table_is_straight() -> None:
    rows = [head(), one_row(measurement("ours", 9.5)), *summary_rows([measurement("janus-1-loop", 33.25)])]
    assert len({len(row) for row in rows}) == 1


def test_doubts_and_failures_stand_in_the_table() -> None:
    assert "20 % sent late" in one_row(measurement("ours", 9.5, late=0.2))
    assert "NOT MEASURED: no" in one_row(Failure("janus", Point(1, 4), 0, "no"))


def test_points() -> None:
    point = read_point("50x4")
    assert (point.participants, point.incoming, point.forwarded) == (200, 33_000, 99_000)
    assert str(point) == "50x4"
    for wrong in ("", "x", "4", "0x4", "4x1", "axb", "-1x4", "4x4x4"):
        with pytest.raises(ValueError, match="no point"):
            read_point(wrong)


def test_janus_is_excused_where_one_core_is_too_little() -> None:
    assert excused("janus", Point(50, 4)) and excused("janus-1-loop", Point(50, 4))
    assert not excused("janus", Point(8, 4)) and not excused("ours", Point(50, 4))


def test_the_figures_are_written_down(tmp_path: Path) -> None:
    found = list(a_good_run())
    write_json(tmp_path / "a" / "b.json", found, targets(Figures(found)), {"cores": 2})
    document = json.loads((tmp_path / "a" / "b.json").read_text())
    assert document["measurements"][0]["point"] == "1x4"
    assert document["targets"][0]["met"] is True
    assert document["machine"]["cores"] == 2


def test_the_median_of_joinings(tmp_path: Path) -> None:
    path = tmp_path / "joining.json"
    assert median_joining(path) is None
    path.write_text('{"joinings": [{"total": 0.5}, {"total": 0.9}, {"total": 0.6}]}')
    assert median_joining(path) == 0.6
    path.write_text('{"joinings": []}')
    assert median_joining(path) is None
