"""The owner's page: what it says, to whom, and how it looks in a real browser."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait
from stampbench.sim.service.api.owner import COOKIE
from stampbench.sim.service.fraud.checks import Kind
from stampbench.sim.service.owner.words import LANGUAGES

SENTENCES = {"ko": "오늘 고객 130명, 스탬프 250개", "en": "130 customers, 250 stamps today"}

LABELS_COLLIDE = """
const boxes = [...document.querySelectorAll("#days text.label, #hours text.label")]
  .map(text => text.getBoundingClientRect());
return boxes.some((a, i) => boxes.some((b, j) => i < j && a.top < b.bottom && b.top < a.bottom
  && a.left < b.right && b.left < a.right));
"""
LABELS_CUT = """
return [...document.querySelectorAll("svg text")].filter(text => {
  const box = text.getBoundingClientRect(), chart = text.closest("svg").getBoundingClientRect();
  return box.left < chart.left - 1 || box.right > chart.right + 1;
}).map(text => text.textContent);
"""


def sign_in(browser: Any, shop: Any, key: str, language: str = "en") -> None:
    browser.delete_all_cookies()
    browser.get(f"{shop.url}/owner?lang={language}")
    browser.find_element(By.NAME, "key").send_keys(key)
    click(browser, "form button")


def click(browser: Any, selector: str) -> None:
    """Click what leads to another page, and wait until that is there."""
    button = browser.find_element(By.CSS_SELECTOR, selector)
    button.click()
    # While one page gives way to the next, the driver may find neither.
    wait = WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException])
    wait.until(expected_conditions.staleness_of(button))
    wait.until(lambda driver: driver.execute_script("return document.readyState") == "complete")


def of_query(browser: Any, query: str) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, f'[data-query="{query}"] b').text)


def resize(browser: Any, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def test_an_owner_reads_the_page_on_phone_and_desk_in_both_languages(browser: Any, shop: Any) -> None:
    sign_in(browser, shop, shop.one.server_key)
    for language, sentence in SENTENCES.items():
        browser.get(f"{shop.url}/owner/shop?lang={language}")
        assert browser.find_element(By.ID, "today").text == sentence
        assert browser.find_element(By.ID, "members").text == "5,000"
        assert of_query(browser, "stamps = 8").removesuffix("명") == "300"
        assert of_query(browser, "stamps = 8 and unseen >= 30").removesuffix("명") == "38"
        assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
        for width, height in ((390, 844), (1280, 900)):
            resize(browser, width, height)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px wide on a screen of {width}"
            sizes = browser.execute_script(
                "return [...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)"
            )
            assert min(sizes) > 10.0
            assert browser.execute_script(LABELS_COLLIDE) is False
            assert browser.execute_script(LABELS_CUT) == []
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []


def test_the_bars_are_the_presses(browser: Any, shop: Any) -> None:
    sign_in(browser, shop, shop.one.server_key)
    told = [
        element.get_attribute("textContent")
        for element in browser.find_elements(By.CSS_SELECTOR, "#hours svg title")
    ]
    path = f"/v1/merchants/{shop.one.merchant_id}/counts?from=2026-10-20&to=2026-11-18"
    headers = {"Authorization": f"Bearer {shop.one.server_key}"}
    counts = httpx.get(f"{shop.url}{path}", headers=headers).json()
    assert told == [f"{hour}:00 {count} presses" for hour, count in enumerate(counts["hours"])]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#days svg title")) == 30


def test_a_wrong_key_opens_nothing_and_leaving_ends_it(browser: Any, shop: Any) -> None:
    sign_in(browser, shop, "merchant_of_nobody")
    assert browser.find_element(By.CSS_SELECTOR, "[role=alert]").text == LANGUAGES["en"].wrong_key
    sign_in(browser, shop, shop.two.server_key)
    assert browser.find_element(By.ID, "today").text == "0 customers, 0 stamps today"
    assert browser.get_cookie(COOKIE)["httpOnly"]
    click(browser, "nav button")
    browser.get(f"{shop.url}/owner/shop")
    assert browser.current_url.startswith(f"{shop.url}/owner?")


def test_open_alarms_and_messages_explain_themselves(world: Any) -> None:
    one, base = world.one, f"/v1/merchants/{world.one.merchant_id}"
    far = world.body()["place"] | {"lat_deg": 35.1}
    for who in ("thief", "accomplice"):
        world.press(place=far, member=who, device=f"phone of {who}")
    segment = world.ok("POST", f"{base}/segments", one.server_key, json={"name": "s", "query": "joined >= 0"})
    body = {"segment": segment["id"], "text": "<한 잔 더>"}
    world.ok("POST", f"{base}/campaigns", one.server_key, json=body)
    answer = world.call("POST", "/owner", content=f"key={one.server_key}")
    cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
    for language, words in LANGUAGES.items():
        text = world.call("GET", f"/owner/shop?lang={language}", headers=cookie).text
        assert words.kinds["away_from_store"] in text
        assert "m from its store, where 180 m are allowed" in text
        assert words.suspended in text
        assert words.stamp_out in text
        assert "&lt;한 잔 더&gt;" in text
    assert all(set(words.kinds) == {kind.value for kind in Kind} for words in LANGUAGES.values())


class TestSessions:
    def cookie(self, world: Any, key: str) -> str:
        answer = world.call("POST", "/owner", content=f"key={key}")
        return str(answer.cookies.get(COOKIE) or "")

    def shop(self, world: Any, session: str) -> Any:
        return world.call("GET", "/owner/shop?lang=en", headers={"Cookie": f"{COOKIE}={session}"})

    @pytest.mark.parametrize("whose", ["app", "vendor", "operator", "nobody", "empty"])
    def test_only_a_merchants_key_signs_in(self, world: Any, whose: str) -> None:
        keys = {
            "app": world.one.app_key,
            "vendor": world.seeded.vendor_key,
            "operator": world.seeded.operator_key,
            "nobody": "merchant_x",
            "empty": "",
        }
        answer = world.call("POST", "/owner", content=f"key={keys[whose]}")
        assert answer.status_code == 401
        assert COOKIE not in answer.cookies

    def test_a_session_shows_its_own_merchant(self, world: Any) -> None:
        answer = self.shop(world, self.cookie(world, world.two.server_key))
        assert answer.status_code == 200
        assert world.two.name in answer.text
        assert world.one.name not in answer.text

    def test_an_altered_session_is_none(self, world: Any) -> None:
        session = self.cookie(world, world.two.server_key)
        key_id, until_us, mac = session.split(".")
        for other in (
            f"{int(key_id) - 1}.{until_us}.{mac}",
            f"{key_id}.9{until_us}.{mac}",
            "a.b.c",
            "..",
            "x",
        ):
            assert self.shop(world, other).status_code == 303

    def test_a_session_ends_with_its_time_and_with_its_key(self, world: Any) -> None:
        session = self.cookie(world, world.one.server_key)
        assert self.shop(world, session).status_code == 200
        key_id = session.split(".")[0]
        world.ok("DELETE", f"/v1/keys/{key_id}", world.seeded.vendor_key)
        assert self.shop(world, session).status_code == 303
        session = self.cookie(world, world.two.server_key)
        world.clock.advance(hours=12)
        assert self.shop(world, session).status_code == 303

    def test_a_session_that_was_left_is_over_wherever_it_is_shown(self, any_world: Any) -> None:
        world = any_world
        session = self.cookie(world, world.one.server_key)
        world.clock.advance(seconds=1)
        other = self.cookie(world, world.one.server_key)
        world.call("POST", "/owner/leave", headers={"Cookie": f"{COOKIE}={session}"})
        assert self.shop(world, session).status_code == 303
        assert self.shop(world, other).status_code == 200

    def test_a_page_of_another_origin_signs_nobody_in(self, world: Any) -> None:
        content = f"key={world.one.server_key}"
        statuses = [
            world.call("POST", "/owner", content=content, headers={"Origin": origin}).status_code
            for origin in ("http://service", "https://evil.example", "null")
        ]
        assert statuses == [303, 403, 403]

    def test_names_are_escaped_and_no_script_may_run(self, world: Any) -> None:
        path = f"/v1/merchants/{world.one.merchant_id}/segments"
        name = "<script>alert(1)</script>"
        world.ok("POST", path, world.one.server_key, json={"name": name, "query": "stamps >= 1"})
        answer = self.shop(world, self.cookie(world, world.one.server_key))
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
