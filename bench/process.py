"""What the kernel tells of a process: CPU time and memory (proc(5)); and pinning to cores."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far, in seconds, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_megabytes(pid: int) -> float:
    """Resident memory in MB (10^6 octets)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has no memory any more")


def run_before_others() -> None:
    """Give this process and its children real-time priority (SCHED_RR). Raises PermissionError."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def cores_for_measuring() -> tuple[int | None, int | None]:
    """(core of the server, core of the load generator), or (None, None) when there is only one core."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)
