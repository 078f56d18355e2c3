"""Who gets an answer, and the headers that come with it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from ringrift.web import WebContext
from ringrift.web.guards import TOKEN_COOKIE
from ringrift.web.headers import MEGABYTE, is_loopback
from ringrift.web.serve import BadAddress, app_alone, serve

TOKEN = "a-token-of-some-length"


@pytest.fixture
def guarded(context: WebContext) -> TestClient:
    return TestClient(app_alone(context, TOKEN))


def test_answers_and_refusals_carry_the_headers_of_safety(client: TestClient) -> None:
    for path in ("/live", "/no-such-page"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_watchdog_needs_no_token_and_everybody_else_does(guarded: TestClient) -> None:
    assert guarded.get("/live").status_code == 200
    refused = guarded.get("/")
    assert refused.status_code == 401
    assert refused.json() == {"detail": "a token is needed: send Authorization: Bearer …"}


@pytest.mark.parametrize("given", ["Bearer " + TOKEN[:-1], TOKEN, "Basic " + TOKEN, "Bearer", "Bearer é"])
def test_a_token_that_is_not_the_one_is_refused(given: str, guarded: TestClient) -> None:
    assert guarded.get("/", headers={"authorization": given.encode()}).status_code == 401


def test_a_token_is_taken_from_the_header_and_from_the_cookie(guarded: TestClient) -> None:
    assert guarded.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    guarded.cookies.set(TOKEN_COOKIE, TOKEN)
    assert guarded.get("/").status_code == 200


def test_a_browser_logs_in_with_the_token_and_stays_so(guarded: TestClient) -> None:
    browser = {"accept": "text/html"}
    assert "Log in" in guarded.get("/pages/", headers=browser).text
    wrong = guarded.post("/login", data={"token": "<b>guess</b>"}, headers=browser)
    assert wrong.status_code == 401
    assert "guess" not in wrong.text
    welcome = guarded.post("/login", data={"token": TOKEN}, headers=browser, follow_redirects=False)
    assert welcome.headers["location"] == "pages/"
    assert "HttpOnly" in welcome.headers["set-cookie"]
    assert "SameSite=strict" in welcome.headers["set-cookie"]
    assert guarded.get("/pages/", headers=browser).status_code == 200


def test_a_browser_that_asks_for_nothing_is_shown_the_pages(client: TestClient) -> None:
    assert client.get("/", headers={"accept": "text/html,*/*"}).url.path == "/pages/"


def test_a_page_of_another_site_cannot_have_a_browser_ask(client: TestClient) -> None:
    elsewhere = client.post("/live", headers={"origin": "https://elsewhere.example"})
    assert elsewhere.status_code == 403
    assert client.post("/live", headers={"origin": "http://testserver"}).status_code == 405


@pytest.mark.parametrize("host", ["elsewhere.example", "elsewhere.example:8001", "", "[::", "127.0.0.1.example"])
def test_a_name_that_another_site_has_lead_here_is_refused(host: str, context: WebContext) -> None:
    assert TestClient(app_alone(context, "")).get("/live", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8001", "127.0.0.1:8001", "[::1]:8001", "localhost"])
def test_this_machine_is_known_by_its_own_names(host: str, context: WebContext) -> None:
    assert TestClient(app_alone(context, "")).get("/live", headers={"host": host}).status_code == 200


def test_a_request_that_is_too_large_is_refused(client: TestClient, context: WebContext) -> None:
    body = b" " * (context.settings.request_megabytes * MEGABYTE + 1)
    assert client.post("/live", content=body).status_code == 413
    assert client.post("/live", headers={"content-length": "9" * 5000}).status_code == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org"])
def test_an_address_that_others_reach_needs_a_token(
    host: str, context: WebContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGRIFT_WEB_TOKEN", raising=False)
    with pytest.raises(BadAddress, match="set a token"):
        serve(context, host=host, port=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_addresses_of_this_machine_need_none(host: str) -> None:
    assert is_loopback(host)


def test_a_token_that_could_be_guessed_is_refused(context: WebContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_WEB_TOKEN", "short")
    with pytest.raises(BadAddress, match="at least 16"):
        serve(context, host="127.0.0.1", port=1)
