"""What the kernel tells of a process: CPU time and memory (proc(5)); and pinning to cores."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """What all threads of a process used so far, in seconds.

    `user` and `system` are in steps of 10 ms, and how they divide is sampled by the kernel's tick. `exact` is
    the sum of the threads that live now, to the ns; 0 where the kernel does not tell.
    """

    user: float
    system: float
    exact: float

    def since(self, before: "Cpu") -> float:
        """Seconds used from `before` on; exact, unless threads have come or gone meanwhile."""
        sampled = self.user + self.system - before.user - before.system
        exact = self.exact - before.exact
        return exact if abs(exact - sampled) < 0.03 + 0.02 * sampled else sampled

    def kernel_share_since(self, before: "Cpu") -> float:
        """How much of that was spent in the kernel, 0..1."""
        user, system = self.user - before.user, self.system - before.system
        return system / (user + system) if user + system > 0 else 0.0


def cpu(pid: int) -> Cpu:
    """What a process has used so far (/proc/PID/stat and /proc/PID/task/*/schedstat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cpu(int(fields[11]) / _TICKS, int(fields[12]) / _TICKS, _on_cpu_seconds(pid))


def _on_cpu_seconds(pid: int) -> float:
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return total / 1e9


def resident_megabytes(pid: int) -> float:
    """Resident memory in MB (10^6 octets)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has no memory any more")


def run_before_others() -> None:
    """Give this process and its children real-time priority (SCHED_RR). Raises PermissionError."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def cores_for_measuring() -> tuple[int | None, list[int | None]]:
    """(core of the server, cores of the load generator); None where there is only one core for all."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], list(cores[1:])) if len(cores) > 1 else (None, [None])
