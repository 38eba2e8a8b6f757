"""Page handlers: translate a request into a use case and its result into a page, and nothing more."""
