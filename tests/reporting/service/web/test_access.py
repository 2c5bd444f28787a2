"""Who may what, over HTTP: tokens, cookies, groups; and calls that somebody else's page or name has made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Asker
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.scheduling import changing
from scrapdb.reporting.service.web import guard
from scrapdb.reporting.service.web import serving
from scrapdb.reporting.service.web import signing
from scrapdb.reporting.service.web.app import ROUTES
from tests.reporting.service.web import served
from tests.reporting.service.web.served import PAGE

if TYPE_CHECKING:
    from starlette.testclient import TestClient

CLOSED = [route for route in ROUTES if not route.is_open]
PROOF = re.compile(r'name="_form" value="([^"]+)"')


def proof(client: TestClient, address: str) -> str:
    found = PROOF.search(client.get(address, headers=PAGE).text)
    assert found
    return found[1]


def signed_in(desk: Desk, name: str, **more: Any) -> TestClient:
    """Sign in on the page, as a person does."""
    client = served.client(desk, **more)
    form = {"_form": proof(client, "/sign-in"), "token": served.TOKENS[name], "next": "/queue"}
    response = client.post("/sign-in", data=form, headers=PAGE)
    assert (response.status_code, response.headers["location"]) == (303, "/queue")
    return client


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
def test_who_is_not_known_gets_nothing(shared: Desk, route: Any) -> None:
    request = served.asked(shared, "ben")
    served.over(shared, request)
    client, path = served.client(shared), route.path.format(id=request.id, name="voltage")
    response = client.request(route.method, path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["status"] == 401
    assert request.id not in response.text
    for wrong in ("Bearer x", "Bearer", f"Bearer {'a' * 42}", f"Basic {'a' * 43}"):
        assert client.request(route.method, path, headers={"authorization": wrong}).status_code == 401
    page = client.request(route.method, path, headers=PAGE)
    assert page.status_code == (303 if route.method == "GET" else 401)
    if route.method == "GET":
        assert page.headers["location"].startswith("/sign-in?next=%2F")


def test_reports_of_another_group_are_not_there(shared: Desk) -> None:
    request = served.asked(shared, "ben")
    served.over(shared, request, pdf=b"%PDF")
    anna, ben = served.client(shared, "anna"), served.client(shared, "ben")
    for last in ("", "/report.html", "/report.pdf", "/output", "/log", "/trace"):
        for headers in ({}, PAGE):
            there = anna.get(f"/reports/{request.id}{last}", headers=headers)
            nowhere = anna.get(f"/reports/voltage-00000000{last}", headers=headers)
            assert there.status_code == nowhere.status_code == 404
            assert there.text == nowhere.text
    gone, nothing = anna.delete(f"/reports/{request.id}"), anna.delete("/reports/voltage-00000000")
    assert (gone.status_code, gone.json()) == (404, nothing.json())
    assert anna.get("/reports").json()["reports"] == []
    assert anna.get(f"/reports?bundle={request.bundle}").json()["reports"] == []
    assert request.id not in anna.get("/reports", headers=PAGE).text + anna.get("/queue", headers=PAGE).text
    assert ben.get(f"/reports/{request.id}").status_code == 200
    assert [told["name"] for told in anna.get("/bundles").json()["bundles"]] == ["sales"]
    assert anna.get("/bundles/voltage").json() == anna.get("/bundles/nothing").json()
    there, nowhere = (anna.post("/reports", json={"bundle": name}) for name in ("voltage", "nothing"))
    assert there.status_code == nowhere.status_code == 422
    assert there.text.replace("voltage", "nothing") == nowhere.text


def test_of_her_bundle_she_sees_her_own_reports_only(shared: Desk) -> None:
    mine, theirs = served.asked(shared, "anna", "sales"), served.asked(shared, "zoe", "sales")
    anna, zoe = served.client(shared, "anna"), served.client(shared, "zoe")
    assert [told["id"] for told in anna.get("/reports").json()["reports"]] == [mine.id]
    assert anna.get(f"/reports/{theirs.id}").status_code == 404
    assert len(zoe.get("/reports").json()["reports"]) == 2


def test_readers_see_a_sentence_and_managers_the_trace(shared: Desk) -> None:
    request = served.asked(shared, "ben")
    html = "<h1>Traceback of l4</h1>"
    served.over(shared, request, "error", "KeyError: 'l4'.", html=html)
    ben, zoe, address = served.client(shared, "ben"), served.client(shared, "zoe"), f"/reports/{request.id}"
    told = ben.get(address).json()
    assert told["reason"] == "KeyError: 'l4'."
    assert told["links"] == {"self": address}
    assert ben.get(f"{address}/report.html").status_code == 404
    assert [ben.get(f"{address}/{last}").status_code for last in ("log", "trace")] == [403, 403]
    page = ben.get(address, headers=PAGE).text
    assert "KeyError: &#39;l4&#39;." in page
    assert f"number is <strong>{request.id}" in page
    assert "Traceback" not in page
    assert "secretly" not in page
    assert "Traceback of l4" in zoe.get(address, headers=PAGE).text
    assert zoe.get(f"{address}/trace").json()["traceback"] == "Traceback of l4"
    assert zoe.get(f"{address}/report.html").text == html


def test_a_host_may_show_traces_to_readers(tmp_path: Path) -> None:
    with served.desk(tmp_path, replace(served.HOST, traces=True)) as desk:
        request = served.asked(desk, "ben")
        served.over(desk, request, "error", "No.")
        assert served.client(desk, "ben").get(f"/reports/{request.id}/trace").status_code == 200


def test_who_asked_may_cancel_and_readers_may_not(shared: Desk) -> None:
    rules = (*served.HOST.rules, replace(served.HOST.rules[1], ask=("anna",), read=("anna",)))
    desk = shared._replace(host=replace(served.HOST, rules=rules))
    request, other = served.asked(desk, "ben"), served.asked(desk, "ben")
    assert served.client(desk, "anna").delete(f"/reports/{request.id}").status_code == 403
    assert served.client(desk, "ben").delete(f"/reports/{request.id}").status_code == 200
    assert served.client(desk, "zoe").delete(f"/reports/{other.id}").status_code == 200


def test_audit_and_metrics_are_for_who_manages_all(shared: Desk) -> None:
    served.asked(shared, "ben")
    ben, zoe = served.client(shared, "ben"), served.client(shared, "zoe")
    assert [ben.get(path).status_code for path in ("/audit", "/metrics")] == [403, 403]
    assert [zoe.get(path).status_code for path in ("/audit", "/metrics")] == [200, 200]
    assert "/audit" not in ben.get("/", headers=PAGE).text
    assert 'href="/audit"' in zoe.get("/", headers=PAGE).text


def test_broken_bundles_say_why_to_managers_only(shared: Desk) -> None:
    (Path(shared.catalogue.where) / "voltage" / "template.html").unlink()
    (Path(shared.catalogue.where) / "voltage" / "report.ipynb").unlink()
    ben, zoe = served.client(shared, "ben"), served.client(shared, "zoe")
    for client, knows in ((ben, False), (zoe, True)):
        asked = client.post("/reports", json={"bundle": "voltage"})
        assert asked.status_code == 422
        answers = (client.get("/bundles"), client.get("/", headers=PAGE), client.get("/bundles/voltage", headers=PAGE))
        for response in (asked, *answers):
            assert ("template.html" in response.text) == knows
            assert (str(shared.catalogue.where) in response.text) == knows
    assert "cannot be made at the moment" in ben.get("/", headers=PAGE).text


def test_a_person_signs_in_and_out(shared: Desk) -> None:
    client = signed_in(shared, "ben")
    assert "ben" in client.get("/", headers=PAGE).text
    cookie = client.cookies[signing.COOKIE]
    out = {"_form": proof(client, "/")}
    response = client.post("/sign-out", data=out, headers=PAGE)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")
    assert signing.COOKIE not in client.cookies
    assert served.TOKENS["ben"] not in cookie
    assert [line.what for line in audit.latest(shared.ledger)][:1] == ["sign in"]


def test_the_cookie_is_for_this_server_alone(shared: Desk) -> None:
    def header(desk: Desk) -> str:
        client = served.client(desk)
        form = {"_form": proof(client, "/sign-in"), "token": served.TOKENS["ben"], "next": ""}
        return client.post("/sign-in", data=form).headers["set-cookie"]

    plain = header(shared)
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Path=/" in plain
    assert "Domain" not in plain
    assert "Secure" not in plain
    secure = shared._replace(host=replace(served.HOST, url="https://reports.example.com"))
    assert "Secure" in header(secure)


def test_forged_and_old_cookies_are_nobodys(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(shared, "ben")
    cookie = client.cookies[signing.COOKIE]
    forged = str(URLSafeTimedSerializer("x" * 32, salt="scrapdb report session").dumps(["zoe", "0" * 16]))
    other = served.client(shared)
    for wrong in (forged, cookie[:-2], cookie.replace(".", "x", 1), "", "null", "é"):
        assert other.get("/reports", headers={b"cookie": f"{signing.COOKIE}={wrong}".encode()}).status_code == 401
    assert client.get("/reports").status_code == 200
    gone = replace(served.HOST, askers=served.HOST.askers | {"ben": Asker(groups=("energy",))})
    taken = served.client(shared._replace(host=gone))
    assert taken.get("/reports", headers={"cookie": f"{signing.COOKIE}={cookie}"}).status_code == 401
    monkeypatch.setattr(signing, "SECONDS", -1)
    assert client.get("/reports").status_code == 401


def test_a_wrong_token_is_told_and_many_are_refused(shared: Desk) -> None:
    client = served.client(shared)
    form = {"_form": proof(client, "/sign-in"), "token": "nobody's", "next": ""}
    answers = [client.post("/sign-in", data=form, headers=PAGE) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {401}
    assert "This token is nobody" in answers[0].text
    assert "nobody&#39;s" not in answers[0].text.partition('id="token"')[2].partition(">")[0]
    assert answers[20].status_code == 429
    assert answers[20].headers["retry-after"] == "60"
    assert "nobody's" not in str(audit.latest(shared.ledger))
    elsewhere = served.client(shared, app=client.app, client=("192.0.2.9", 50_000))
    form |= {"_form": proof(elsewhere, "/sign-in"), "token": served.TOKENS["ben"]}
    assert elsewhere.post("/sign-in", data=form).status_code == 303  # who is somewhere else can sign in


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1\r\nX: y", "evil.example", "",
        "/\n/evil.example", "///evil.example",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(shared: Desk, to: str) -> None:
    client = served.client(shared)
    form = {"_form": proof(client, "/sign-in"), "token": served.TOKENS["ben"], "next": to}
    response = client.post("/sign-in", data=form)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert client.get("/sign-in", params={"next": to}, headers=PAGE).headers["location"] == "/"


def test_who_came_for_a_page_gets_there(shared: Desk) -> None:
    client = served.client(shared)
    asked = "/bundles/voltage?p.title=a%20%26b&_language=ca"
    to = client.get(asked, headers=PAGE).headers["location"]
    page = client.get(to, headers=PAGE).text
    kept = re.search(r'name="next" value="([^"]*)"', page)
    assert kept
    form = {"_form": proof(client, to), "token": served.TOKENS["ben"], "next": kept[1].replace("&amp;", "&")}
    assert client.post("/sign-in", data=form).headers["location"] == asked


FORMS = [
    ("/bundles/voltage", {"p.title": "x"}),
    ("/ask", {"sentence": "voltage of north called x"}),
    ("/reports/{id}/again", {"language": "ca"}),
    ("/reports/{id}/cancel", {}),
    ("/bundles/voltage/schedules", {"schedule": "weekly", "what": "pause"}),
    ("/sign-out", {}),
    ("/sign-in", {"token": "x"}),
]


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_forms_of_others_change_nothing(shared: Desk, path: str, fields: dict[str, str]) -> None:
    request = served.asked(shared, "ben")
    client, other = signed_in(shared, "ben"), signed_in(shared, "zoe")
    stolen, path = proof(other, "/"), path.format(id=request.id)
    good = fields | {"_form": proof(client, "/")}
    for form in (fields, fields | {"_form": ""}, fields | {"_form": stolen}, fields | {"_form": "é\x00"}):
        assert client.post(path, data=form, headers=PAGE).status_code == (403 if form else 415)
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8766"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert client.post(path, data=good, headers=PAGE | headers).status_code == 403
    assert [kept.id for kept in requests.latest(shared.ledger)] == [request.id]
    kept = requests.get(shared.ledger, request.id)
    assert kept is not None
    assert kept.state == "queued"
    own = {"origin": served.ORIGIN, "sec-fetch-site": "same-origin"}
    told = client.post(path, data=good, headers=PAGE | own).text
    assert "another server" not in told
    assert "not from here" not in told


def test_a_page_of_others_asks_nothing_of_the_api(desk: Desk) -> None:
    client, wish = served.client(desk), {"bundle": "sales"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert client.post("/reports", json=wish, headers=headers).status_code == 403
    assert (
        client.post("/reports", content='{"bundle": "sales"}', headers={"content-type": "text/plain"}).status_code
        == 415
    )
    assert requests.latest(desk.ledger) == []
    response = client.options(
        "/reports", headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
    )
    assert response.status_code == 405
    for answer in (response, client.get("/bundles", headers={"origin": "https://evil.example"})):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.post("/reports", json=wish, headers={"origin": served.ORIGIN}).status_code == 202


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost:8765", 200), ("LOCALHOST", 200), ("[::1]:8765", 200), ("192.0.2.7", 200),
        ("reports.example.com", 200), ("Reports.Example.com:443", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil.example", 403), ("", 403),
        ("evil.example#localhost", 403), ("localhost@evil.example", 403), ("[::1", 403), ("a b", 403),
    ],
)  # fmt: skip
def test_only_who_calls_it_by_name_is_answered(tmp_path: Path, host: str, status: int) -> None:
    with served.desk(tmp_path, Host(url="https://reports.example.com/")) as desk:
        response = served.client(desk).get("/bundles", headers={"host": host})
        assert response.status_code == status
        if status == 403:
            assert response.headers["content-type"] == "application/problem+json"
            assert "voltage" not in response.text


def test_every_answer_has_its_headers(desk: Desk) -> None:
    request = served.asked(desk)
    served.over(desk, request)
    client = served.client(desk)
    for path in ("/", "/api", "/nothing", "/health", f"/reports/{request.id}", "/static/service.js", "/metrics"):
        headers = client.get(path, headers=PAGE).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == guard.POLICY
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "unsafe" not in headers["content-security-policy"]
        assert "server" not in headers
    page = client.get(f"/reports/{request.id}", headers=PAGE).text
    assert 'sandbox=""' in page
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", page)
    framed = client.get(f"/reports/{request.id}/report.html", headers=PAGE)
    assert framed.headers["content-security-policy"].endswith("frame-ancestors 'self'; sandbox")
    assert framed.headers["connection-allowlist"] == "(response-origin)"
    opened = client.get(f"/reports/{request.id}/report.html", headers=PAGE | {"sec-fetch-dest": "document"})
    assert 'sandbox="" src="/reports/' in opened.text
    assert opened.headers["referrer-policy"] == "no-referrer"


def test_schedules_are_paused_and_run_by_who_manages_them(shared: Desk) -> None:
    changing.add(shared, "zoe", "weekly", "voltage", Schedule(cron="0 6 * * 1", parameters=served.GIVEN, owner="ben"))
    changing.add(shared, "zoe", "monthly", "sales", Schedule(cron="0 6 1 * *", owner="anna"))
    ben, zoe = signed_in(shared, "ben"), signed_in(shared, "zoe")
    assert "weekly" in (page := ben.get("/bundles/voltage", headers=PAGE).text)
    assert "Pause" not in page

    def change(client: TestClient, what: str, schedule: str = "weekly") -> int:
        form = {"_form": proof(client, "/bundles/voltage"), "schedule": schedule, "what": what}
        return client.post("/bundles/voltage/schedules", data=form, headers=PAGE).status_code

    assert change(ben, "pause") == 403
    assert change(zoe, "pause", "monthly") == 404  # of another bundle
    assert change(zoe, "pause") == 303
    assert "paused by zoe" in zoe.get("/bundles/voltage", headers=PAGE).text
    assert change(zoe, "resume") == 303
    assert change(zoe, "run") == 303
    (request,) = requests.latest(shared.ledger)
    assert (request.schedule, request.asker) == ("weekly", "ben")
    assert change(zoe, "run") in {303, 409}
    listed = zoe.get("/reports?schedule=weekly").json()["reports"]
    assert request.id in {told["id"] for told in listed}


def test_no_token_is_in_the_log(shared: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "scrapdb.service")
    client = signed_in(shared, "ben")
    request = served.asked(shared, "ben")
    given_away = served.given_away(shared, request)
    client.get(given_away)
    client.get("/reports", headers={"authorization": f"Bearer {served.TOKENS['zoe']}"})
    client.get(f"/reports?bundle={served.TOKENS['zoe']}")
    assert "POST /sign-in 303" in caplog.text
    assert "GET /r/… 200" in caplog.text
    hidden = (*served.TOKENS.values(), given_away, client.cookies[signing.COOKIE])
    assert not [token for token in hidden if token in caplog.text]
    assert [record.fields["who"] for record in caplog.records if hasattr(record, "fields")][-2:] == ["zoe", "ben"]


def test_a_link_that_was_given_away(shared: Desk) -> None:
    request, failed = served.asked(shared, "ben"), served.asked(shared, "ben")
    served.over(shared, request, pdf=b"%PDF")
    served.over(shared, failed, "error", "KeyError: 'l4'.", html="Traceback of l4")
    client, address = served.client(shared), served.given_away(shared, request)
    page = client.get(address, headers=PAGE)
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert f'sandbox="" src="{address}/report.html"' in page.text
    assert client.get(f"{address}/report.html").text == served.HTML.format(request.id)
    assert client.get(f"{address}/report.pdf").content == b"%PDF"
    for last in ("log.txt", "output.json", "report.json", "report.ipynb", "..%2flog.txt"):
        assert client.get(f"{address}/{last}").status_code == 404
    other = served.given_away(shared, failed)
    told = client.get(other, headers=PAGE).text
    assert failed.id in told
    assert "Traceback" not in told
    assert client.get(f"{other}/report.html").status_code == 404
    forged = client.get(f"/r/{request.id}", headers=PAGE)
    assert (forged.status_code, "leads nowhere" in forged.text) == (404, True)
    assert client.get(f"/reports/{request.id}").status_code == 401
    assert {line.via for line in audit.latest(shared.ledger) if line.what == "read"} == {"link"}


def test_lists_count_their_lines_and_keep_days_whole(desk: Desk) -> None:
    served.asked(desk, parameters={**served.GIVEN, "title": "<b>2026-02-09"})
    you = served.client(desk)
    page = you.get("/reports", headers=PAGE).text
    assert "First day: <time>2026-02-02</time>" in page
    assert "Heading: &lt;b&gt;<time>2026-02-09</time>" in page
    assert "Who did what: one line." in you.get("/audit", headers=PAGE).text
    served.asked(desk)
    assert "Who did what: the last 2 lines." in you.get("/audit", headers=PAGE).text


def test_reading_is_in_the_audit(shared: Desk) -> None:
    request = served.asked(shared, "ben")
    served.over(shared, request)
    served.client(shared, "ben").get(f"/reports/{request.id}/report.html", headers=PAGE)
    served.client(shared, "zoe").get(f"/reports/{request.id}/output")
    lines = audit.latest(shared.ledger)
    assert [(line.who, line.via, line.what, line.request, line.detail) for line in lines[:2]] == [
        ("zoe", "api", "read", request.id, "results"),
        ("ben", "page", "read", request.id, "page"),
    ]


def test_nobody_listens_elsewhere_without_askers() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "reports.example.com"):  # noqa: S104 - refused
        with pytest.raises(UsageError, match="askers"):
            serving.listening(Host(), host, 0)
    with serving.listening(served.HOST, "0.0.0.0", 0) as listens:  # noqa: S104 - at a free port
        assert serving.address(listens) == f"http://127.0.0.1:{listens.getsockname()[1]}/"
    with serving.listening(Host(), "127.0.0.1", 0) as listens:
        port = listens.getsockname()[1]
        with pytest.raises(ScrapdbError, match=f"Port {port} of 127.0.0.1 is taken; name another with --port."):
            serving.listening(Host(), "127.0.0.1", port)
