"""Afterwards: what a session leaves: outcomes, ratings, progress, figures."""
