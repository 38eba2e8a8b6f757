"""Supervision (督办, Art. 38 to 40): notices of duties near or late, orders, listed supervision.

`order.py` is the table and the rows, `ordering.py` the use cases on an order, `paper.py` the order and the
answer as papers, `measures.py` talks, circulars and listed supervision, `notices.py` who is told when,
`board.py` what somebody sees, `report.py` the figures.
"""
