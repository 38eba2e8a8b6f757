"""Reception days: which leader receives when and where, by rules that repeat, with substitutes."""
