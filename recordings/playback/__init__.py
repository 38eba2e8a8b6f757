"""Playback: the tracks of a recording, in pieces that a browser plays, with no film and no coding."""
