"""The pages: data for them as JSON, and the one document that draws them (`ringrift/web/static`)."""

from __future__ import annotations

from ringrift.web.pages.router import pages_router

__all__ = ["pages_router"]
