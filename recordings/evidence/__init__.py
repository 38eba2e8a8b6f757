"""Evidence: what a sealed recording states, who signed it, and whether that is still true."""
