"""The demonstration: a day of invented people and matters, and a reception that was really held."""
