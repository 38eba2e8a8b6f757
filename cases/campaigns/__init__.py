"""Campaigns: matters that leaders take charge of (包案), and surveys of disputes; struck off by evidence."""
