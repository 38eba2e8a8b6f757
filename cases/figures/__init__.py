"""Figures of petition cases: what is counted, over which cases, and the list of exactly those.

`period.py` days, `measure.py` what one counts of, `indicator.py` the published rates, `scope.py` whose cases,
`sums.py` the counting, `listing.py` the same as a list, `topics.py` words of subjects.
"""
