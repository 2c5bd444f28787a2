"""The pages in a browser, as somebody uses them who has never seen Jupyter; a stand-in makes the reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import pytest

from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.web.pages import rendering
from tests.reporting.service.web import served

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from playwright.sync_api import Page

PHONE = {"width": 390, "height": 800}
OURS = re.compile("Content Security Policy(?!.*img-src data:)")  # of our pages, and not of a hostile report
EVIL = "</script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">'\"&{{7*7}}\u202e"
HOSTILE_REPORT = """<!doctype html><title>R</title><p>quiet</p>
<script>parent.document.title = 'pwned'; document.querySelector('p').textContent = 'loud'</script>
<img src="/static/service.css" onerror="top.location = '/sign-in'">
<meta http-equiv="refresh" content="0; url=/queue">
<form action="/reports" method="post" target="_top"><button>Send</button></form>
<a href="/queue" target="_top">Up</a>"""
EVIL_BUNDLE = {
    "title": EVIL,
    "description": EVIL,
    "version": EVIL,
    "parameters": {
        "a": {"label": EVIL, "default": EVIL},
        "b": {"type": "choice", "label": EVIL, "choices": [EVIL, "x"], "default": EVIL},
    },
    "asks": [EVIL],
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with a bundle whose every text is hostile."""
    shop = {"title": "Sales", "parameters": {"shop": {"label": "Shop", "default": "Olot"}}, "asks": ["sales of (shop)"]}
    bundles = {"voltage": served.CONFIG, "sales": shop, "evil": EVIL_BUNDLE}
    with served.desk(tmp_path_factory.mktemp("service"), bundles=bundles) as laid:
        yield laid


@pytest.fixture(scope="module")
def url(desk: Desk) -> Iterator[str]:
    """Serve it; its pages look again at once."""
    with pytest.MonkeyPatch.context() as patch, served.listening(desk) as address:
        patch.setattr(rendering, "REFRESHED", 0.2)
        yield address


@contextmanager
def opened(browser: Browser, **how: Any) -> Iterator[Page]:
    """Open a page, in which nothing may fail."""
    context = browser.new_context(**how)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if OURS.search(message.text) else None)
    yield page
    context.close()
    assert wrong == []


def newest(desk: Desk) -> requests.Request:
    return requests.latest(desk.ledger, limit=1)[0]


def test_a_form_becomes_a_report(browser: Browser, desk: Desk, url: str) -> None:
    with opened(browser) as page:
        page.goto(url)
        page.get_by_role("link", name="Supply voltage").click()
        page.get_by_label("Site").select_option("north")
        page.get_by_label("First day").fill("2026-03-02")
        page.get_by_label("Time needed").fill("97.5")
        page.get_by_label("All lines").uncheck()
        page.get_by_label("Heading").fill("Week 10")
        page.get_by_label("Language").select_option("Catalan")
        page.get_by_role("button", name="Ask for it").click()
        page.wait_for_url("**/reports/voltage-*")
        request = newest(desk)
        assert request.parameters == {
            "site": "north", "from_day": "2026-03-02", "threshold": 97.5, "hours": 24, "all_lines": False,
            "title": "Week 10",
        }  # fmt: skip
        assert (request.language, request.via) == ("ca", "page")
        assert page.locator(".badge").inner_text() == "queued"
        served.begun(desk, request, 2, 5)
        page.get_by_text("cell 2 of 5").wait_for()
        page.locator("#log").get_by_text("Cell 2").wait_for()
        served.begun(desk, request, 5, 5)
        page.get_by_text("cell 5 of 5, then the page").wait_for()
        served.over(desk, request, title="Qualitat de la tensió")
        frame = page.frame_locator("iframe.report")
        assert frame.locator("h1").inner_text() == f"Report of {request.id}"
        assert page.locator("h1").inner_text() == "Qualitat de la tensió"
        assert page.locator("h1").get_attribute("lang") == "ca"
        assert page.get_by_role("button", name="Cancel").count() == 0
        page.get_by_role("button", name="In English").click()
        page.get_by_text("queued").first.wait_for()
        again = newest(desk)
        assert again.id != request.id
        assert (again.language, again.parameters) == ("en", request.parameters)
        page.get_by_role("link", name="With other parameters").click()
        assert page.get_by_label("Heading").input_value() == "Week 10"
        assert not page.get_by_label("All lines").is_checked()
        assert page.get_by_label("Language").input_value() == "en"


def test_what_is_wrong_is_said_at_the_field(browser: Browser, desk: Desk, url: str) -> None:
    before = newest(desk).id if requests.latest(desk.ledger) else None
    with opened(browser) as page:
        page.goto(f"{url}/bundles/voltage")
        page.get_by_label("Heading").fill("a <b> & c")
        page.get_by_label("Hours").fill("0")
        page.get_by_role("button", name="Ask for it").click()
        assert page.get_by_label("Hours").evaluate(
            "field => field.validity.rangeUnderflow"
        )  # the browser says it first
        page.locator("form.fields").evaluate("form => { form.noValidate = true }")
        page.get_by_role("button", name="Ask for it").click()
        page.locator(".note.bad").wait_for()
        hours = page.get_by_label("Hours").first
        assert hours.get_attribute("aria-invalid") == "true"
        told = page.locator(f"#{hours.get_attribute('aria-describedby')}")
        assert told.inner_text() == "It takes an integer from 1 on."
        assert hours.input_value() == "0"
        assert page.get_by_label("Heading").input_value() == "a <b> & c"
        page.get_by_role("alert").get_by_role("link", name="Hours").click()
        hours.fill("3")
        page.get_by_role("button", name="Ask for it").click()
        page.wait_for_url("**/reports/voltage-*")
    assert newest(desk).id != before
    assert newest(desk).parameters["title"] == "a <b> & c"


def test_a_sentence_is_shown_back_before_anything_is_asked(browser: Browser, desk: Desk, url: str) -> None:
    with opened(browser) as page:
        page.goto(url)
        page.get_by_label("Say what you want").fill("hello there")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("alert").wait_for()
        assert "No report is asked for like this." in page.locator("main").inner_text()
        assert "voltage of (site) called (title)" in page.locator("main").inner_text()
        assert page.get_by_label("Say what you want").input_value() == "hello there"
        count = len(requests.latest(desk.ledger))
        page.get_by_label("Say what you want").fill("voltage of north called Monday")
        page.get_by_label("Say what you want").press("Enter")
        page.get_by_text("voltage with site north, title 'Monday'").wait_for()
        assert len(requests.latest(desk.ledger)) == count
        assert page.get_by_label("Site").input_value() == "north"
        page.get_by_role("button", name="Ask for it").click()
        page.wait_for_url("**/reports/voltage-*")
        assert "voltage of north called Monday" in page.locator("main").inner_text()
    assert (newest(desk).via, newest(desk).sentence) == ("sentence", "voltage of north called Monday")


def test_all_by_keyboard(browser: Browser, desk: Desk, url: str) -> None:
    with opened(browser) as page:
        page.goto(url)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the content"
        page.keyboard.press("Enter")
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.innerText || ''").startswith("Sales"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/bundles/sales")
        for _ in range(30):
            page.keyboard.press("Tab")
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            if page.evaluate("document.activeElement.name") == "p.shop":
                page.keyboard.press("Control+A")
                page.keyboard.type("Girona")
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/reports/sales-*")
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "Cancel":
                break
        page.keyboard.press("Enter")
        page.get_by_text("you cancelled it before it began").wait_for()
    assert newest(desk).parameters == {"shop": "Girona"}


def test_without_scripts_a_report_is_asked_for_and_followed(browser: Browser, desk: Desk, url: str) -> None:
    with opened(browser, java_script_enabled=False) as page:
        page.goto(f"{url}/bundles/sales")
        page.get_by_role("button", name="Ask for it").click()
        page.wait_for_url("**/reports/sales-*")
        served.over(desk, newest(desk))
        page.locator("iframe.report").wait_for()  # which the page does of itself


def test_two_clicks_are_one_report(browser: Browser, desk: Desk, url: str) -> None:
    with opened(browser) as page:
        page.goto(f"{url}/bundles/sales")
        count = len(requests.latest(desk.ledger, limit=500))
        once = page.locator("[name=_once]").get_attribute("value")
        page.locator("form.fields").evaluate("form => { form.requestSubmit(); form.requestSubmit() }")
        page.wait_for_url("**/reports/sales-*")
        assert len(requests.latest(desk.ledger, limit=500)) == count + 1
        page.go_back()
        page.locator("[name=_once]").evaluate("(field, value) => { field.value = value }", once)
        page.get_by_label("Shop").fill("Vic")  # of the same form another report
        page.get_by_role("button", name="Ask for it").click()
        page.wait_for_url("**/reports/sales-*")
        assert len(requests.latest(desk.ledger, limit=500)) == count + 2


@pytest.fixture(scope="module")
def pages(desk: Desk, url: str) -> dict[str, str]:
    """Addresses of all pages, in which everything that somebody else says is hostile."""
    given = {"a": EVIL, "b": EVIL}
    wish: dict[str, Any] = {"bundle": "evil", "parameters": given, "via": "sentence", "sentence": EVIL}
    done, failed, running = (served.asked(desk, **wish) for _ in range(3))
    served.over(desk, done, html=HOSTILE_REPORT, title=EVIL, output={EVIL: EVIL})
    served.over(desk, failed, "error", EVIL, title=EVIL)
    served.begun(desk, running)
    with desk.ledger.writing() as connection:
        moment = done.asked_at
        delivery = (done.id, "webhook", f"https://example.com/{EVIL}", "report", "{}", "failed", EVIL, 1, moment)
        columns = "request, target, address, letter, options, state, reason, attempt, written_at"
        connection.execute(f"INSERT INTO deliveries ({columns}) VALUES ({', '.join('?' * 9)})", delivery)
        schedule = (EVIL, "evil", "command", "{}", EVIL, EVIL, EVIL, moment)
        columns = "name, bundle, source, definition, owner, paused_by, reason, next_at"
        connection.execute(f"INSERT INTO schedules ({columns}) VALUES ({', '.join('?' * 8)})", schedule)
        connection.execute(
            "INSERT INTO audit (at, who, via, what, detail) VALUES (?, ?, 'api', 'ask', ?)", (moment, EVIL, EVIL)
        )

    given_away = served.given_away(desk, done)
    paths = {
        "front": "/", "form": "/bundles/voltage", "hostile form": f"/bundles/evil?p.a={quote(EVIL)}&p.b={quote(EVIL)}",
        "language": f"/bundles/evil?_language={quote(EVIL)}", "list": f"/reports?asker={quote(EVIL)}",
        "all": "/reports",
        "schedule": f"/reports?schedule={quote(EVIL)}", "queue": "/queue", "done": f"/reports/{done.id}",
        "failed": f"/reports/{failed.id}", "running": f"/reports/{running.id}", "audit": "/audit", "api": "/api",
        "problem": f"/reports/{quote(EVIL, safe='')}", "wrong question": f"/reports?state={quote(EVIL)}",
        "link": given_away, "wrong link": f"/r/{quote(EVIL, safe='')}", "sign in": f"/sign-in?next={quote(EVIL)}",
    }  # fmt: skip
    return {name: url + path for name, path in paths.items()}


def test_nothing_that_somebody_says_acts(browser: Browser, pages: dict[str, str]) -> None:
    with opened(browser) as page:
        for name, address in pages.items():
            page.goto(address)
            assert page.title() != "pwned", name
            assert page.locator("main img, main script, header script").count() == 0, name
            if name in {"done", "failed", "running", "hostile form", "audit"}:
                assert "document.title='pwned'" in page.content().replace("&#39;", "'"), name
            assert "\u202e" not in page.locator("main").inner_text(), name
            assert "49" not in page.locator("h1").first.inner_text(), name


def test_a_hostile_sentence_and_form_are_shown_as_they_are(browser: Browser, url: str) -> None:
    with opened(browser) as page:
        page.goto(url)
        page.get_by_label("Say what you want").fill(f"hello {EVIL}")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("alert").wait_for()
        assert page.title() != "pwned"
        assert page.get_by_label("Say what you want").input_value() == f"hello {EVIL}"
        page.get_by_label("Say what you want").fill("sales of " + EVIL)
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Shop").wait_for()
        assert page.title() != "pwned"
        assert page.get_by_label("Shop").input_value() == " ".join(EVIL.split()).rstrip("\u202e")


def test_a_hostile_report_stays_in_its_frame(browser: Browser, desk: Desk, pages: dict[str, str]) -> None:
    count = len(requests.latest(desk.ledger, limit=500))
    for name in ("done", "link"):
        with opened_quietly(browser) as page:
            page.goto(pages[name])
            frame = page.frame_locator("iframe.report")
            assert frame.locator("p").inner_text() == "quiet"
            frame.get_by_role("button", name="Send").click()
            frame.get_by_role("link", name="Up").click()
            page.wait_for_timeout(200)
            assert page.url == pages[name]
            assert page.title() != "pwned"
    with opened_quietly(browser) as page:  # by its own address, too
        page.goto(f"{pages['done']}/report.html")
        assert page.frame_locator("iframe").locator("p").inner_text() == "quiet"
        assert page.evaluate("document.title") == "Report"
    assert len(requests.latest(desk.ledger, limit=500)) == count


@contextmanager
def opened_quietly(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_does_not_scroll_sideways_and_the_dark_is_dark(
    browser: Browser, pages: dict[str, str], scheme: Any
) -> None:
    with opened(browser, viewport=PHONE, color_scheme=scheme, reduced_motion="reduce") as page:
        for name, address in pages.items():
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
            ground, ink = (
                sum(map(int, page.evaluate(f"getComputedStyle(document.body).{of}").strip("rgb()").split(",")))
                for of in ("backgroundColor", "color")
            )
            assert min(ground, ink) < 200
            assert max(ground, ink) > 600
            assert (ground < ink) == (scheme == "dark")


def test_every_field_has_a_name(browser: Browser, pages: dict[str, str]) -> None:
    with opened(browser) as page:
        for name, address in pages.items():
            page.goto(address)
            unnamed = page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select')]"
                ".filter(field => !field.labels.length).map(field => field.outerHTML)"
            )
            assert unnamed == [], name
            assert page.locator("h1").count() >= 1
            assert page.locator("html").get_attribute("lang") == "en"
            assert page.evaluate(
                "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
            ) == page.evaluate("document.querySelectorAll('[id]').length"), name


def test_a_person_signs_in_and_sees_his_own(browser: Browser, tmp_path: Path) -> None:
    with served.desk(tmp_path, served.HOST) as desk, served.listening(desk) as url, opened(browser) as page:
        theirs, mine = served.asked(desk, "ben"), served.asked(desk, "anna", "sales")
        page.goto(f"{url}/reports/{mine.id}")
        page.get_by_label("Your token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("This token is nobody").wait_for()
        page.get_by_label("Your token").fill(served.TOKENS["anna"])
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/reports/{mine.id}")
        assert page.locator("#log").count() == 0
        assert page.goto(f"{url}/reports/{theirs.id}").status == 404  # type: ignore[union-attr]
        served.over(desk, mine)
        page.goto(f"{url}/reports/{mine.id}")
        assert page.frame_locator("iframe.report").locator("h1").inner_text() == f"Report of {mine.id}"
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{url}/sign-in")
        page.goto(f"{url}/reports")
        assert "/sign-in?next=" in page.url
