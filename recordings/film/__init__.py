"""Film: one MP4 made from the tracks of a sealed recording."""
