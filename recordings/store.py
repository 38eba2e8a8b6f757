"""Store: where a recording's files lie. One directory on this machine per recording."""

from __future__ import annotations

import re
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{32}")

COMPOSED_FILE = "composed.mp4"
COMPOSED_STATEMENT = "composed.json"
COMPOSED_SIGNATURE = "composed.sig"


class RecordingStore:
    """Folders under one root, named by recording id; never by anything a user typed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, recording_id: str) -> Path:
        """The folder of a recording; ValueError for what is no id."""
        if not _ID.fullmatch(recording_id):
            raise ValueError("not a recording id")
        return self.root / recording_id

    def create(self, recording_id: str) -> Path:
        """The folder, made and readable by its owner only."""
        folder = self.folder(recording_id)
        (folder / "tracks").mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def locate(self, directory: str) -> Path:
        """Where the files named by ``recording.directory`` lie.

        Rows of the first version hold an absolute path: it is good where it still leads to a folder, else
        the whole state directory has moved and the folder lies below our root.
        """
        path = Path(directory)
        if not path.is_absolute():
            return self.root / path
        return path if path.is_dir() else self.root / path.name

    def composed(self, recording_id: str) -> Path | None:
        """The composed MP4 when it is there."""
        path = self.folder(recording_id) / COMPOSED_FILE
        return path if path.is_file() else None
