"""Administration: organisations, accounts and posts, kept apart among three administrators (三员分立)."""
