"""Papers of handling as files."""
