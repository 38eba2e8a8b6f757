"""Statutory clocks: which duty runs from when, how days are counted, and why a date is the one it is.

Pure, without database: duties and holidays are data (`profiles.json`, `holidays.json`), `deadline.py` counts.
"""
