"""What the replay page shows beside its film, and when."""
