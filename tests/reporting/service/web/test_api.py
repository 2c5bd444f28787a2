"""The API for programs: what is asked for and how it is told, with every status."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.web import guard
from tests.reporting.service.web import served

WISH = {"bundle": "voltage", "parameters": served.GIVEN}


def problem(response: object, status: int) -> str:
    """Check the form of RFC 9457, and return the sentence."""
    assert response.status_code == status  # type: ignore[attr-defined]
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    told = response.json()  # type: ignore[attr-defined]
    assert told["status"] == status
    assert told["title"]
    assert told["type"] == "about:blank"
    assert told["detail"].endswith((".", "?")), told
    return str(told["detail"])


def test_a_report_is_asked_for_and_waits(desk: Desk) -> None:
    client = served.client(desk)
    response = client.post("/reports", json={**WISH, "language": "ca", "pages": ["pdf"]})
    assert response.status_code == 202
    told = response.json()
    assert response.headers["location"] == told["links"]["self"] == f"/reports/{told['id']}"
    assert told["parameters"] == {
        **served.GIVEN, "from_day": "2026-02-02", "threshold": 95, "hours": 24, "all_lines": True
    }  # fmt: skip
    assert (told["state"], told["position"], told["language"], told["pages"]) == ("queued", 1, "ca", ["html", "pdf"])
    kept = requests.get(desk.ledger, told["id"])
    assert kept is not None
    assert (kept.via, kept.asker, kept.language) == ("api", "you", "ca")
    assert client.get(response.headers["location"]).json() == told


def test_a_report_under_way_says_which_cell(desk: Desk) -> None:
    request = served.asked(desk)
    served.begun(desk, request, 2, 5)
    told = served.client(desk).get(f"/reports/{request.id}").json()
    assert (told["state"], told["cell"], told["cells"], told["position"]) == ("running", 2, 5, None)
    assert "html" not in told["links"]


def test_what_there_is_of_a_report(desk: Desk) -> None:
    request = served.asked(desk)
    served.over(desk, request, pdf=b"%PDF-1.7", output={"share": 0.97, "names": ["a", None]})
    client, address = served.client(desk), f"/reports/{request.id}"
    links = client.get(address).json()["links"]
    assert links == {
        "self": address,
        **{name: f"{address}/{last}" for name, last in
           {"html": "report.html", "pdf": "report.pdf", "output": "output", "log": "log"}.items()},
    }  # fmt: skip
    assert client.get(links["html"]).text == served.HTML.format(request.id)
    pdf = client.get(links["pdf"])
    assert pdf.content == b"%PDF-1.7"
    assert pdf.headers["content-disposition"] == f'attachment; filename="{request.id}.pdf"'
    assert client.get(links["output"]).json() == {"share": 0.97, "names": ["a", None]}
    assert client.get(links["log"]).text == "  printed <b>secretly</b>\nThe report is completed\n"
    problem(client.get(f"{address}/trace"), 404)


def test_the_trace_of_a_failure(desk: Desk) -> None:
    request = served.asked(desk)
    served.over(desk, request, "error", "KeyError: 'l4'.")
    client, address = served.client(desk), f"/reports/{request.id}"
    told = client.get(address).json()
    assert told["reason"] == "KeyError: 'l4'."
    assert "output" not in told["links"]
    trace = client.get(told["links"]["trace"]).json()
    assert (trace["name"], trace["cell"], trace["traceback"]) == ("KeyError", 4, "Traceback of l4")
    problem(client.get(f"{address}/output"), 404)


def test_whoever_waits_gets_what_it_found(desk: Desk) -> None:
    client = served.client(desk)

    def work() -> None:
        while not (waiting := requests.latest(desk.ledger)):
            time.sleep(0.01)
        served.over(desk, waiting[0], output={"share": 0.5})

    worker = threading.Thread(target=work)
    worker.start()
    response = client.post("/reports", json=WISH, headers={"Prefer": "respond-async, wait=20"})
    worker.join()
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=20"
    assert response.json()["state"] == "completed"
    assert response.json()["output"] == {"share": 0.5}


@pytest.mark.parametrize(("prefer", "applied"), [("wait=0", "wait=0"), ("respond-async", None), ("wait=x", None)])
def test_whoever_does_not_wait_long_enough_is_told_where_it_is(desk: Desk, prefer: str, applied: str | None) -> None:
    response = served.client(desk).post("/reports", json=WISH, headers={"Prefer": prefer})
    assert response.status_code == 202
    assert response.headers.get("preference-applied") == applied
    assert response.json()["output"] is None


def test_nobody_waits_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrapdb.reporting.service.web.api.reports.MOST_WAIT", 0.1)
    response = served.client(desk).post("/reports", json=WISH, headers={"Prefer": 'wait="999999"'})
    assert response.status_code == 202


def test_the_same_key_is_one_report(desk: Desk) -> None:
    client = served.client(desk)
    first, second = (client.post("/reports", json=WISH, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert (first.status_code, second.status_code) == (202, 202)
    other = {**WISH, "language": "ca"}
    assert first.json()["id"] in problem(client.post("/reports", json=other, headers={"Idempotency-Key": "k1"}), 409)
    assert client.post("/reports", json=WISH, headers={"Idempotency-Key": "k2"}).json()["id"] != first.json()["id"]
    for wrong in ("", "a b", "x" * 201):
        problem(client.post("/reports", json=WISH, headers={"Idempotency-Key": wrong}), 400)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"bundle": "voltage", "parameters": {"site": "moon", "title": "a"}}, "site cannot be 'moon'"),
        ({"bundle": "voltage", "parameters": {"title": "a", "threshold": 101}}, "a number from 0 to 100"),
        ({"bundle": "voltage", "parameters": {"title": "a", "threshold": "x"}}, "a number from 0 to 100"),
        ({"bundle": "voltage", "parameters": {"title": "a", "from_day": "2026-02-30"}}, "a date"),
        ({"bundle": "voltage", "parameters": {"title": ["a"]}}, "a text"),
        ({"bundle": "voltage", "parameters": {"title": "a", "sight": 1}}, "no parameter sight"),
        ({"bundle": "voltage"}, "needs title"),
        ({"bundle": "voltage", "parameters": served.GIVEN, "language": "xx"}, "no language 'xx'"),
        ({"bundle": "voltage", "parameters": served.GIVEN, "language": "../ca"}, "no language"),
        ({"bundle": "voltage", "parameters": served.GIVEN, "pages": ["doc"]}, "Invalid enum value 'doc'"),
        ({"bundle": "volt"}, "no report 'volt'"),
        ({"bundle": "../voltage"}, "no report '../voltage'"),
        ({"bundle": 7}, "$.bundle"),
        ({}, "bundle"),
        ({**WISH, "paramters": {}}, "paramters"),
        ({**WISH, "deliver": [{"to": ""}]}, "deliver"),
        ({**WISH, "deliver_if": "share >"}, "cannot be read"),
        ([], "array"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_asked_for(desk: Desk, wish: object, said: str) -> None:
    assert said in problem(served.client(desk).post("/reports", json=wish), 422)
    assert requests.latest(desk.ledger) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"bundle": "\xed\xa0\x80"}', b'{"bundle": NaN}', b'{"bundle":"voltage","parameters":'
             b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"]
)  # fmt: skip
def test_what_is_no_json_is_refused(desk: Desk, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem(served.client(desk).post("/reports", content=body, headers=headers), 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_media_are_refused(desk: Desk, kind: str) -> None:
    response = served.client(desk).post("/reports", content=json.dumps(WISH), headers={"content-type": kind})
    problem(response, 415)


def test_too_much_is_refused(desk: Desk) -> None:
    client = served.client(desk)
    long = {"bundle": "voltage", "parameters": {"title": "x" * guard.MOST_BODY}}
    problem(client.post("/reports", json=long), 413)
    parts = (b"x" * 2**16 for _ in range(2**5))  # whose length nobody has said
    problem(client.post("/reports", content=parts, headers={"content-type": "application/json"}), 413)


def test_too_many_wait_or_ask(tmp_path: Path) -> None:
    with served.desk(tmp_path / "rate", Host(rate=1)) as desk:
        client = served.client(desk)
        client.post("/reports", json=WISH)
        response = client.post("/reports", json=WISH)
        assert "within a minute" in problem(response, 429)
        assert response.headers["retry-after"] == "60"
    with served.desk(tmp_path / "queue", Host(waiting=1)) as desk:
        client = served.client(desk)
        client.post("/reports", json=WISH)
        response = client.post("/reports", json=WISH)
        assert "wait already" in problem(response, 503)
        assert response.headers["retry-after"] == "60"


def test_where_nothing_may_go_nothing_goes(desk: Desk) -> None:
    wish = {**WISH, "deliver": [{"to": "mail:eve@example.org"}]}
    assert "recipients" in problem(served.client(desk).post("/reports", json=wish), 403)
    assert requests.latest(desk.ledger) == []


def test_where_it_goes_is_kept(desk: Desk) -> None:
    desk = desk._replace(host=Host(recipients=("@example.com",)))
    wish = {**WISH, "deliver": [{"to": "mail:anna@example.com", "attach": ["link"]}], "deliver_if": "share < 0.95"}
    id_ = served.client(desk).post("/reports", json=wish).json()["id"]
    kept = requests.get(desk.ledger, id_)
    assert kept is not None
    assert [(target.to, target.attach) for target in kept.deliver] == [("mail:anna@example.com", ("link",))]
    assert kept.deliver_if == "share < 0.95"


def test_a_list_has_pages_and_filters(desk: Desk) -> None:
    first = served.asked(desk)
    same = [served.added(desk, first, id=f"voltage-{n:08}", asked_at=first.asked_at) for n in range(4)]  # at one moment
    other = served.asked(desk, bundle="sales")
    served.over(desk, other, "error", "No.")
    client, seen, address = served.client(desk), [], "/reports?limit=2"
    while address:
        told = client.get(address).json()
        assert len(told["reports"]) <= 2
        seen += [report["id"] for report in told["reports"]]
        address = told["next"]
    assert seen[0] == other.id
    assert sorted(seen[1:]) == sorted([first.id, *(request.id for request in same)])

    def ids(asked: str) -> int:
        return len(client.get(f"/reports?{asked}").json()["reports"])

    assert [ids(asked) for asked in ("bundle=sales", "state=error", "open=true", "asker=you", "language=ca")] == [
        1, 1, 5, 6, 0
    ]  # fmt: skip
    assert ids("bundle=&state=") == 6
    assert {report["position"] for report in client.get("/reports?open=1").json()["reports"]} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("asked", ["limit=0", "limit=201", "limit=x", "state=x", "after=x", "offset=1", "open=maybe"])
def test_a_list_asked_wrongly(desk: Desk, asked: str) -> None:
    problem(served.client(desk).get(f"/reports?{asked}"), 400)


def test_a_report_is_cancelled(desk: Desk) -> None:
    client = served.client(desk)
    waiting, running = served.asked(desk), served.asked(desk)
    served.begun(desk, running)
    gone = client.delete(f"/reports/{waiting.id}")
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    ending = client.delete(f"/reports/{running.id}")
    assert (ending.status_code, ending.json()["state"]) == (202, "running")
    assert requests.cancelled(desk.ledger, "nobody") == [running.id]
    assert "over already" in problem(client.delete(f"/reports/{waiting.id}"), 409)


def test_bundles_and_the_schema_of_their_parameters(desk: Desk) -> None:
    client = served.client(desk)
    broken = Path(desk.catalogue.where, "broken")
    broken.mkdir()
    (broken / "config.json").write_text("{")
    names = {told["name"]: told for told in client.get("/bundles").json()["bundles"]}
    assert list(names) == ["broken", "sales", "voltage"]
    assert names["broken"]["is_broken"]
    assert "template.html" in names["broken"]["wrong"]
    schema = client.get("/bundles/voltage").json()["parameters"]
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    checker.check_schema(schema)
    assert not list(checker.iter_errors(served.GIVEN))
    changes: list[dict[str, Any]] = [{"threshold": 101}, {"hours": 0}, {"site": "moon"}, {"from_day": "x"}, {"x": 1}]
    for wrong in ({}, *({**served.GIVEN, **change} for change in changes)):
        assert list(checker.iter_errors(wrong)), wrong
        assert client.post("/reports", json={"bundle": "voltage", "parameters": wrong}).status_code == 422
    problem(client.get("/bundles/nothing"), 404)


def test_a_sentence(desk: Desk) -> None:
    client = served.client(desk)
    told = client.post("/ask", json={"sentence": "voltage of north called Week 6"}).json()
    assert told["meaning"]["told"] == "voltage with site north, title 'Week 6'"
    assert told["report"]["parameters"]["site"] == "north"
    kept = requests.get(desk.ledger, told["report"]["id"])
    assert kept is not None
    assert (kept.via, kept.sentence) == ("sentence", "voltage of north called Week 6")
    only = client.post("/ask", json={"sentence": "voltage of north called Week 6", "only_meaning": True})
    assert (only.status_code, only.json()["report"]) == (200, None)
    assert len(requests.latest(desk.ledger)) == 1
    unclear = client.post("/ask", json={"sentence": "hello"})
    assert problem(unclear, 422) == "No report is asked for like this."
    assert unclear.json()["nearest"] == ["sales of (shop)", "voltage of (site) called (title)"]
    for wrong in ("", "x" * 501):
        problem(client.post("/ask", json={"sentence": wrong}), 422)


def test_a_log_is_streamed_while_it_is_written(desk: Desk) -> None:
    request = served.asked(desk)
    served.begun(desk, request)

    def work() -> None:
        time.sleep(0.3)
        served.begun(desk, request, 2)
        time.sleep(0.3)
        served.over(desk, request)

    worker = threading.Thread(target=work)
    worker.start()
    text = served.client(desk).get(f"/reports/{request.id}/log").text
    worker.join()
    assert text == "Cell 1\nCell 2\n  printed <b>secretly</b>\nThe report is completed\n"


def test_a_log_as_events(desk: Desk) -> None:
    request = served.asked(desk)
    served.over(desk, request, "error", "No.")
    client, address = served.client(desk), f"/reports/{request.id}/log"
    accept = {"accept": "text/event-stream"}
    response = client.get(address, headers=accept)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [
        dict(line.split(": ", 1) for line in each.splitlines()) for each in response.text.split("\n\n") if each[1:]
    ]
    assert [event["event"] for event in events] == ["log", "state", "end"]
    assert json.loads(events[0]["data"])["text"].endswith("The report is error\n")
    assert json.loads(events[1]["data"])["state"] == "error"
    again = client.get(address, headers=accept | {"last-event-id": events[0]["id"]})
    assert "event: log" not in again.text
    later = client.get(f"{address}?from=2", headers=accept)
    assert '"text":"printed' in later.text
    problem(client.get(f"{address}?from=-1", headers=accept), 400)


def test_what_is_not_there(desk: Desk) -> None:
    client = served.client(desk)
    for address in (
        "/reports/x",
        "/reports/..%2f..",
        "/reports/x/report.html",
        "/bundles/%2e%2e%2fvoltage",
        "/static/..%2fapp.py",
        "/x",
    ):
        assert client.get(address).status_code == 404, address
    assert problem(client.get("/reports/x"), 404) == "There is no such report."
    problem(client.put("/reports"), 405)
    problem(client.post("/reports/x/cancel", json={}), 415)


def test_nothing_is_read_through_a_link(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    request = served.asked(desk)
    served.over(desk, request)
    where = desk.reports / request.id
    for name in ("report.html", "log.txt", "output.json"):
        (where / name).unlink()
        (where / name).symlink_to(tmp_path / "secret")
    client = served.client(desk)
    for name in ("report.html", "log", "output"):
        assert "secret" not in client.get(f"/reports/{request.id}/{name}").text


def test_health_and_failure(desk: Desk) -> None:
    client = served.client(desk)
    assert client.get("/health").json() == {"status": "ok"}
    desk.ledger.__exit__()
    assert problem(client.get("/health"), 503).startswith("Something is wrong here. Tell whoever")
    assert str(desk.reports) not in client.get("/reports").text


def test_what_breaks_is_a_number_and_a_line_in_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(desk.catalogue, "all", lambda: broken(None))
    response = served.client(desk).get("/bundles")
    number = problem(response, 500).rpartition(" ")[2].rstrip(".")
    assert "secret" not in response.text
    assert f"{number}: the secret of the house" in caplog.text


def test_metrics_are_in_the_format_of_prometheus(desk: Desk) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    for state in ("completed", "error"):
        served.over(desk, served.asked(desk), state, "No.")
    served.asked(desk)
    client = served.client(desk)
    client.get("/reports/nothing")
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    by_state = {sample.labels["state"]: sample.value for sample in families["scrapdb_reports"].samples}
    assert {state: number for state, number in by_state.items() if number} == {"completed": 1, "error": 1, "queued": 1}
    answers = {sample.labels["status"]: sample.value for sample in families["scrapdb_http_answers"].samples}
    assert answers == {"404": 1}
    buckets = [sample for sample in families["scrapdb_report_seconds"].samples if sample.name.endswith("_bucket")]
    assert [sample.value for sample in buckets] == [2.0] * 12
    assert families["scrapdb_queue_oldest_seconds"].samples[0].value > 0


def test_the_description_is_of_openapi_and_of_all_addresses(desk: Desk) -> None:
    client = served.client(desk)
    told = client.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert {f"{method} {path}" for path, methods in told["paths"].items() for method in methods} >= {
        "post /reports", "get /reports", "get /reports/{id}", "delete /reports/{id}", "get /bundles/{name}",
        "post /ask", "get /reports/{id}/log", "get /health", "get /metrics",
    }  # fmt: skip
    answers = {
        "asked": client.post("/reports", json=WISH),
        "list": client.get("/reports"),
        "one": client.get("/bundles"),
    }
    shapes = {"asked": "Report", "list": "Reports", "one": "Bundles"}
    for name, response in answers.items():
        schema = {"$ref": f"#/components/schemas/{shapes[name]}", "components": told["components"]}
        jsonschema.validate(response.json(), schema)
    refs = json.dumps(told)
    for name in [part.partition('"')[0] for part in refs.split("#/components/schemas/")[1:]]:
        assert name in told["components"]["schemas"]
    page = client.get("/api", headers=served.PAGE).text
    assert "POST /reports" in page
    assert "Idempotency-Key" in page
