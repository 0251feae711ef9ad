"""What the interface looks like to whoever meets it first: errors in one form, and a page that shows it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from selenium.webdriver.support.ui import WebDriverWait
from stampbench.sim.service.app import create_app


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "told"),
    [
        ("GET", "/nothing", None, 404, "not-found", "/docs"),
        ("DELETE", "/v1/presses", None, 405, "method-not-allowed", "Not Allowed"),
        ("POST", "/v1/presses", {"member": "anna"}, 422, "form", "expected either contacts or a reading"),
        ("POST", "/v1/presses", {"contacts": "x"}, 422, "form", "contacts (body): "),
        ("GET", "/v1/merchants/0/counts", None, 422, "form", "merchant_id (path): "),
    ],
)
def test_every_error_has_one_form_and_repeats_nothing_that_was_sent(
    world: Any, method: str, path: str, body: Any, status: int, code: str, told: str
) -> None:
    headers = {"Idempotency-Key": "first press"}
    answer = world.call(method, path, world.one.app_key, headers=headers, json=body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)
    assert told in answer.json()["detail"]
    assert "anna" not in answer.text


def test_a_missing_header_is_named(world: Any) -> None:
    answer = world.call("POST", "/v1/presses", world.one.app_key, json=world.body())
    assert answer.json()["detail"] == "idempotency-key (header): Field required"


def test_a_database_that_is_away_is_a_503_that_says_to_try_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise sa.exc.OperationalError("SELECT secret", {"member": "anna"}, Exception("gone"))

    monkeypatch.setattr("stampbench.sim.service.api.access.principal_of", away)
    answer = world.call("POST", "/v1/presses", "key", json={}, headers={"Idempotency-Key": "database away"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json() == {
        "type": "urn:stampbench:problem:database",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the database does not answer; try again",
        "code": "database",
    }


def test_errors_of_the_database_do_not_tell_what_was_stored(world: Any) -> None:
    """They may end in a log."""
    with pytest.raises(sa.exc.IntegrityError) as caught, world.service.database.write() as connection:
        connection.execute(sa.text("INSERT INTO vendors (name) VALUES (:name)"), {"name": "anna"})
    assert "anna" not in str(caught.value)


def test_the_page_of_the_interface_shows_every_path_and_fetches_nothing_from_elsewhere(
    world: Any, browser: Any, served: Any
) -> None:
    app = create_app(world.service)
    paths = set(app.openapi()["paths"])  # made here: two threads that make it at once get in each other's way
    with served(app) as url:
        browser.get(url)
        assert browser.current_url == f"{url}/docs"
        WebDriverWait(browser, 60).until(lambda _: paths <= set(_shown(browser)))
        names = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert names
    assert all(name.startswith((url, "data:")) for name in names)


def _shown(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('.opblock-summary-path')].map(e => e.dataset.path)"
    return list(browser.execute_script(script))
