"""Access control: the guards of the routes, and those of an application that runs alone.

Inside Airflow the plugin provides guards that use Airflow's login.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import HTTPException, Request

TOKEN_COOKIE: Final = "ringrift_token"
LOGIN: Final = "/login"
"""The path to which a browser is sent that has not logged in."""
Guard = Callable[..., Any]
"""A dependency of FastAPI that lets a request pass, or raises 401 or 403."""


@dataclass(frozen=True)
class Guards:
    """One guard for each kind of route."""

    read: Guard
    """Seeing pages and data."""
    play: Guard
    """Asking for moves, evaluations and analyses, which takes this machine's cores."""
    control: Guard
    """Changing what the loop does."""


def anyone() -> None:
    """Let every request pass."""


def open_guards() -> Guards:
    """Return guards that let every request pass, for an application that listens to its own machine alone."""
    return Guards(anyone, anyone, anyone)


def token_guards(token: str) -> Guards:
    """Return guards that ask for a token, as `Authorization: Bearer …` or in the cookie that the login sets."""

    def holder(request: Request) -> None:
        given = request.headers.get("authorization", "")
        scheme, _, bearer = given.partition(" ")
        shown = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(TOKEN_COOKIE, "")
        if same_secret(shown, token):
            return
        if "text/html" in request.headers.get("accept", ""):
            raise HTTPException(303, "log in first", {"Location": LOGIN})
        raise HTTPException(401, "a token is needed: send Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})

    return Guards(holder, holder, holder)


def same_secret(given: str, expected: str) -> bool:
    """Return whether two secrets are the same, in a time that does not depend on how much of them is."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
