"""Packages: recordings that leave the house, whole or as a clip."""
