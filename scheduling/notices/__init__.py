"""Notices: what citizens are told by message, telephone or on paper, and the outbox in which it stands."""
