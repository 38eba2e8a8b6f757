"""Review: who looked at a recording, why, and what they found."""
