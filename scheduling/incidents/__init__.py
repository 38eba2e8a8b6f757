"""Incidents (待处置): what a human must look after while a session is prepared or held."""
