"""The server of the page tests serves here too."""

from tests.web.conftest import house

__all__ = ["house"]
