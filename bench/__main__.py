"""`python -m bench`: CPU per forwarded packet, added latency, loss and memory; ours, Janus and the floor in
one run, and whether the targets are met."""

import argparse
import os
import sys
from pathlib import Path

import uvloop

from bench import report
from bench.forwarding import Failure, Measurement, Plan, measure_all
from bench.janus import library_version, missing_janus
from bench.joined import measure_joining, median_joining
from bench.native import missing_compiler
from bench.netns import ADDRESS, inside_namespace, missing_namespace, run_inside
from bench.point import read_point
from bench.process import cores_for_measuring, run_before_others
from bench.servers import SERVERS, excused
from bench.targets import Figures, targets
from media.fastpath import build as build_fast_path

JOINING = "joining.json"


def main() -> int:
    """Parse, go into a namespace of our own if one can be made, measure, print."""
    options = _options()
    if not inside_namespace():
        if options.joining:
            _measure_joining(options.json.parent / JOINING)
        if not options.loopback:
            reason = missing_namespace()
            if reason is None:
                return run_inside([sys.executable, "-m", "bench", *sys.argv[1:]])
            print(f"No network namespace: {reason}.\nMeasuring ours on loopback only, without Janus.")
    if options.realtime:
        run_before_others()
    return uvloop.run(_run(_plan(options), options))


def _measure_joining(path: Path) -> None:
    reason = measure_joining(path)
    if reason is not None:
        print(f"!! NOT MEASURED: link to first picture: {reason}.")
    print(flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 3 s at 1x4 and 4x4")
    parser.add_argument("--points", default="1x4,4x4,8x4,1x10,50x4", help="rooms x peers in each")
    parser.add_argument("--rounds", type=int, default=3, help="how often each point is measured, in turn")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measuring window")
    parser.add_argument("--servers", default=",".join(SERVERS), help="which, in this order at first")
    parser.add_argument(
        "--feedback", action="store_true", help="peers agree to transport-wide feedback, as browsers do"
    )
    parser.add_argument(
        "--realtime", action="store_true", help="real-time priority for all, when the machine is busy"
    )
    parser.add_argument("--loopback", action="store_true", help="no namespace: no Janus, on 127.0.0.1")
    parser.add_argument(
        "--joining", action="store_true", help="first measure the way from a link to the first picture"
    )
    parser.add_argument("--json", type=Path, default=Path("var/bench/forwarding.json"), help="the figures")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    servers = tuple(options.servers.split(","))
    unknown = set(servers) - set(SERVERS)
    if unknown:
        sys.exit(f"No such server: {', '.join(sorted(unknown))}. There are {', '.join(SERVERS)}.")
    reason = missing_janus()
    if inside_namespace() and reason is not None:
        print(f"Without Janus: {reason}.")
    if reason is not None or not inside_namespace():
        servers = tuple(server for server in servers if not server.startswith("janus"))
    points = "1x4,4x4" if options.quick else options.points
    try:
        read = tuple(read_point(text) for text in points.split(","))
    except ValueError as error:
        sys.exit(str(error))
    return Plan(
        servers=tuple(s for s in servers if "-" not in s) if options.quick else servers,
        points=read,
        rounds=1 if options.quick else options.rounds,
        seconds=3.0 if options.quick else options.seconds,
        address=ADDRESS if inside_namespace() else "127.0.0.1",
        feedback=options.feedback,
    )


async def _run(plan: Plan, options: argparse.Namespace) -> int:
    load_before = os.getloadavg()
    slow_because = build_fast_path()
    print(_preamble(plan))
    if slow_because is not None:
        print(f"Ours forwards in Python: {slow_because}.")
    print(report.head(), flush=True)
    measurements: list[Measurement] = []
    failures: list[Failure] = []
    async for found in measure_all(plan):
        print(report.one_row(found), flush=True)
        if isinstance(found, Failure):
            failures.append(found)
        else:
            measurements.append(found)
    figures = Figures(measurements)
    goals = targets(figures, median_joining(options.json.parent / JOINING) if options.joining else None)
    if plan.rounds > 1:
        print(f"\nMedians of {plan.rounds} rounds; loss is the worst.\n{report.head()}")
        print("\n".join(report.summary_rows(measurements)))
    print("\n" + "\n".join(report.ratio_lines(figures)))
    print("\nTargets\n" + "\n".join(str(goal) for goal in goals))
    notes = {
        "cores": os.cpu_count(),
        "janus": library_version(),
        "compiler": missing_compiler() is None,
        "fast_path": slow_because is None,
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "feedback": plan.feedback,
        "realtime": options.realtime,
        "load_average_before": load_before,
        "load_average": os.getloadavg(),
        "failures": [f"{f.server} {f.point}: {f.reason}" for f in failures],
    }
    report.write_json(options.json, measurements, goals, notes)
    print(f"Figures: {options.json}")
    return 0


def _preamble(plan: Plan) -> str:
    server_core, generator_cores = cores_for_measuring()
    lines = [
        f"Rooms x peers, each peer 1 Mbit/s VP8 (115 packets/s) and Opus (50 packets/s)"
        f"{', with transport-wide feedback' if plan.feedback else ''}; "
        f"{plan.rounds} x {plan.seconds:.0f} s a point on {plan.address}.",
        f"Server on core {server_core}, generator on {', '.join(map(str, generator_cores))}.",
        "CPU: process time of the server over packets delivered. Latency: from a peer's send call to the "
        "kernel's arrival time at the other peer.",
    ]
    if missing_compiler() is not None:
        lines.append(
            f"{missing_compiler()}: the peers are driven in Python (full at about 8x4), "
            "and the floor is one in Python."
        )
    for point in plan.points:
        for server in plan.servers:
            reason = excused(server, point)
            if reason is not None:
                lines.append(f"Without {server} at {point}: {reason}.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
