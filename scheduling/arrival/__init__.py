"""Arrival: what a person does with a personal link before the room opens."""
