"""Archive: copies outside the recordings disk, how long they stay, and how they end."""
