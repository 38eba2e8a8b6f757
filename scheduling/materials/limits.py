"""How much of a material there may be. Imports nothing: the child process that opens files reads it, too."""

from __future__ import annotations

MEBIBYTE = 1024 * 1024
LARGEST = 20 * MEBIBYTE  # Of one file, in bytes.
PART = 512 * 1024  # Of one file, sent at a time.
MOST_PAGES = 40
MOST_OF_OWNER = 20  # Files of one guest.
MOST_OF_SESSION = 60
SESSION_BYTES = 300 * MEBIBYTE
