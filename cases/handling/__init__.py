"""Handling of a petition case: which step leads where, who may take it, which clocks it moves.

`procedure.py` is the table, without database; `clocks.py` holds rows of deadlines; `taking.py` the use case.
"""
