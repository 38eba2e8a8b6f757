"""Calendars of officials as iCalendar (RFC 5545): events, feeds with secret addresses, free time."""
