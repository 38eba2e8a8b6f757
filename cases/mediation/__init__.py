"""People's mediation in communities: places, third parties, matters with the parties' consent, agreements."""
