"""证据材料: what a person brings to a session, uploaded, seen page by page, shown to the room."""
