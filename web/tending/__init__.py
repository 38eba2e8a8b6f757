"""Tasks beside the pages: what is sent, reminded of, entered and forgotten while the service runs."""
