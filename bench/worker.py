"""`python -m bench.worker PORT ADDRESS SOCKET [CORE]`: one media worker with the real recorder."""

import os
import sys

from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory


def main(port: str, address: str, socket_path: str, core: str | None = None) -> None:
    """Run until SIGTERM."""
    if core is not None:
        os.sched_setaffinity(0, {int(core)})
    config = MediaConfig(
        port=int(port),
        addresses=(address,),
        socket_path=socket_path,
        log_level="warning",
    )
    run_worker(config, JournalRecorderFactory())


if __name__ == "__main__":
    main(*sys.argv[1:])
