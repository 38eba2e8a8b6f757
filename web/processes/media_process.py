"""The process of one media worker: `python -m web.processes.media_process media-worker 0`.

A killed worker must be back at once, on a busy machine too. So this file imports what packets need and
nothing else: no pages, no database, no command line (tests/web/test_media_process.py says so).
"""

from __future__ import annotations

import sys

from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory
from web.settings import Settings, SettingsError, load


def run_media_worker(settings: Settings, number: int) -> None:
    """One media worker on port `media.port + number`, UDP and TCP."""
    config = MediaConfig(
        port=settings.media.port + number,
        addresses=settings.media.addresses,
        socket_path=str(settings.media_socket(number)),
        networks=settings.media.networks,
        tcp=settings.media.tcp,
        fast_path=settings.media.fast_path,
        log_level=settings.log_level,
    )
    run_worker(config, JournalRecorderFactory(spill=settings.spill_root))


def main(number: str) -> None:
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(str(error))
    run_media_worker(settings, int(number))


if __name__ == "__main__":
    main(sys.argv[2])
