"""Booking: which time is taken by whom, for which case, with which rooms, equipment and people."""
