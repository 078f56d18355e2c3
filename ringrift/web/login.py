"""The login of browsers, which cannot send a token by themselves: a form whose answer is a cookie."""

from __future__ import annotations

import html
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ringrift.web.guards import LOGIN, TOKEN_COOKIE, same_secret

SECONDS: Final = 30 * 86_400
"""The time for which a browser stays logged in."""
PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>RingRift: log in</title><h1>RingRift</h1>{message}"
    '<form method="post"><label>Token <input type="password" name="token" autofocus required></label> '
    "<button>Log in</button></form></html>"
)


def login_router(token: str) -> APIRouter:
    """Return the routes of the login with a token."""
    router = APIRouter(include_in_schema=False)

    @router.get(LOGIN)
    def form() -> HTMLResponse:
        return HTMLResponse(PAGE.format(message=""))

    @router.post(LOGIN)
    async def log_in(request: Request) -> Response:
        given = parse_qs((await request.body()).decode(errors="replace")).get("token", [""])[0]
        if not same_secret(given, token):
            message = html.escape("This is not the token that the application was started with.")
            return HTMLResponse(PAGE.format(message=f"<p>{message}</p>"), 401)
        answer = RedirectResponse("pages/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(TOKEN_COOKIE, token, SECONDS, httponly=True, samesite="strict", secure=secure)
        return answer

    return router
