"""Minutes: what was said and agreed, written together, read back, signed and locked."""
