"""Capture: packets to segments on disk, in the media worker; waits for nothing."""
