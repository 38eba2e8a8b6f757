"""Read models: what pages show of a session, a case, a link, filtered by the policy."""
