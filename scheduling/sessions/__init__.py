"""Sessions: arranged, moved, called off, and who is invited to them."""
