"""Requests: what citizens ask the staff for, and how it was answered."""
