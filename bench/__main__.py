"""`python -m bench`: CPU per forwarded packet, added latency, loss and memory; ours and Janus in one run."""

import argparse
import os
import sys
from pathlib import Path

import uvloop

from bench import report
from bench.forwarding import Measurement, Plan, measure_all
from bench.janus import library_version, missing_janus
from bench.netns import ADDRESS, inside_namespace, missing_namespace, run_inside
from bench.process import run_before_others


def main() -> int:
    """Parse, go into a namespace of our own if one can be made, measure, print."""
    options = _options()
    if not inside_namespace() and not options.loopback:
        reason = missing_namespace()
        if reason is None:
            return run_inside([sys.executable, "-m", "bench", *sys.argv[1:]])
        print(f"No network namespace: {reason}.\nMeasuring ours on loopback only, without Janus.")
    if options.realtime:
        run_before_others()
    plan = _plan(options)
    return uvloop.run(_run(plan, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 3 s, 1 and 4 rooms")
    parser.add_argument("--rooms", default="1,4,8", help="numbers of rooms of four peers")
    parser.add_argument("--rounds", type=int, default=3, help="how often each point is measured, in turn")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each measuring window")
    parser.add_argument(
        "--servers", default="ours,ours-unrecorded,janus,janus-1-loop", help="which servers, in this order"
    )
    parser.add_argument(
        "--realtime", action="store_true", help="real-time priority for all, when the machine is busy"
    )
    parser.add_argument("--loopback", action="store_true", help="no namespace: ours only, on 127.0.0.1")
    parser.add_argument("--json", type=Path, default=Path("var/bench/forwarding.json"), help="the figures")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    servers = tuple(options.servers.split(","))
    reason = missing_janus()
    if inside_namespace() and reason is not None:
        print(f"Without Janus: {reason}.")
    if reason is not None or not inside_namespace():
        servers = tuple(server for server in servers if not server.startswith("janus"))
    return Plan(
        servers=tuple(s for s in servers if "-" not in s) if options.quick else servers,
        room_counts=(1, 4) if options.quick else tuple(int(n) for n in options.rooms.split(",")),
        rounds=1 if options.quick else options.rounds,
        seconds=3.0 if options.quick else options.seconds,
        address=ADDRESS if inside_namespace() else "127.0.0.1",
    )


async def _run(plan: Plan, options: argparse.Namespace) -> int:
    print(_preamble(plan))
    print(report.head())
    measurements: list[Measurement] = []
    async for measurement in measure_all(plan):
        measurements.append(measurement)
        print(report.one_row(measurement), flush=True)
    if plan.rounds > 1:
        print(f"\nMedians of {plan.rounds} rounds; loss is the worst.\n{report.head()}")
        print("\n".join(report.summary_rows(measurements)))
    print("\n" + "\n".join(report.verdict(measurements)))
    notes = {
        "cores": os.cpu_count(),
        "janus": library_version(),
        "seconds": plan.seconds,
        "realtime": options.realtime,
        "load_average": os.getloadavg(),
    }
    report.write_json(options.json, measurements, notes)
    print(f"Figures: {options.json}")
    return 0


def _preamble(plan: Plan) -> str:
    return (
        f"Rooms of four peers, each 1 Mbit/s VP8 (115 packets/s) and Opus (50 packets/s); "
        f"{plan.rounds} x {plan.seconds:.0f} s a point on {plan.address}.\n"
        f"CPU: process time of the server over packets delivered. Latency: from a peer's send call to the "
        f"kernel's arrival time at the other peer."
    )


if __name__ == "__main__":
    sys.exit(main())
