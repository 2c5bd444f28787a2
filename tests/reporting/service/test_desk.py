"""What is asked for at the desk, by whom, and what is refused in a sentence."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.making import archive
from scrapdb.reporting.service import access
from scrapdb.reporting.service import desk as desks
from scrapdb.reporting.service import host
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.desk import ask
from scrapdb.reporting.service.host import Asker
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Rule
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import requests
from tests.reporting.service.bundles import write

YOU = Person("you")
SALES = (
    Rule(bundles="sales*", ask=("@sales",), read=("@board",)),
    Rule(bundles="*", manage=("root",)),
)
PEOPLE = {
    "anna": Asker(groups=("sales",), tokens=(hashlib.sha256(b"of anna").hexdigest(),)),
    "ben": Asker(groups=("board",), tokens=(hashlib.sha256(b"of ben").hexdigest().upper(),)),
    "root": Asker(),
}


def test_a_request_has_all_values_in_it(desk: Desk) -> None:
    request, new = ask(desk, YOU, Wish(bundle="sales", parameters={"times": "3"}, language="ca"))
    assert new
    assert request.parameters == {"region": "north", "times": 3}
    assert (request.language, request.pages, request.state) == ("ca", ("html",), "queued")
    assert request.id.startswith("sales-")
    kept = archive.kept(request.bundle_hash, desk.reports, "", "sales")
    assert kept.hash == request.bundle_hash


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish(bundle="sale"), "There is no report 'sale' for you. There is broken, other, sales."),
        (Wish(bundle="../sales"), "There is no report '../sales' for you."),
        (Wish(bundle="broken"), "broken cannot be made: config.json: title cannot be 1"),
        (Wish(bundle="sales", parameters={"region": "east"}), "region cannot be 'east': it takes 'north' or 'south'"),
        (Wish(bundle="sales", parameters={"regoin": "north"}), "takes no parameter regoin: did you mean region?"),
        (Wish(bundle="sales", language="xx"), "There is no language 'xx'; sales has en, ca."),
        (Wish(bundle="sales", language="<b>"), "There is no language '<b>'"),
        (Wish(bundle="sales", pages=("doc",)), "There is no page 'doc'"),
        (Wish(bundle="sales", deliver_if="total >"), "total >"),
        (Wish(bundle="sales", deliver=(Target(to="mail:eve@example.com"),)), "Nothing may go to mail:eve@example.com"),
    ],
)
def test_what_is_wrong_is_said_and_noted(desk: Desk, wish: Wish, sentence: str) -> None:
    with pytest.raises(ScrapdbError) as told:
        ask(desk, YOU, wish, "192.0.2.1")
    assert sentence in str(told.value)
    (line,) = audit.latest(desk.ledger)
    assert (line.who, line.what, line.address) == ("you", "refuse", "192.0.2.1")
    assert sentence in str(line.detail)


def test_nobody_asks_for_too_much_at_once(desk: Desk) -> None:
    desk = desk._replace(host=Host(rate=2, waiting=3))
    for _ in range(2):
        ask(desk, YOU, Wish(bundle="sales"))
    with pytest.raises(desks.TooManyError, match="you has asked for 2 reports within a minute") as told:
        ask(desk, YOU, Wish(bundle="sales"))
    assert told.value.seconds == 60
    ask(desk, Person("ben"), Wish(bundle="sales"))
    with pytest.raises(desks.TooManyError, match="3 reports wait already"):
        ask(desk, Person("clara"), Wish(bundle="sales"))


def test_many_at_the_same_time_are_not_all_the_last_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk._replace(host=Host(rate=1))
    count = requests.asked_since

    def slowly(*given: Any) -> int:
        counted = count(*given)
        time.sleep(0.05)
        return counted

    monkeypatch.setattr(requests, "asked_since", slowly)
    with ThreadPoolExecutor(4) as pool:
        errors = [each.exception() for each in [pool.submit(ask, desk, YOU, Wish(bundle="sales")) for _ in range(4)]]
    assert [type(error) for error in errors].count(desks.TooManyError) == 3
    assert len(requests.latest(desk.ledger)) == 1


def test_what_is_not_in_the_audit_was_not_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ScrapdbError("The ledger failed: database or disk is full.")

    monkeypatch.setattr(audit, "write", full)
    with pytest.raises(ScrapdbError, match="full"):
        ask(desk, YOU, Wish(bundle="sales"))
    assert requests.latest(desk.ledger) == []


def test_the_audit_holds_no_more_than_the_beginning(desk: Desk) -> None:
    with pytest.raises(UsageError):
        ask(desk, YOU, Wish(bundle="sales", deliver_if="(" * 50_000))
    assert len(str(audit.latest(desk.ledger)[0].detail)) == 1_000


def test_rights_are_by_bundle_and_group() -> None:
    said = Host(askers=PEOPLE, rules=SALES)
    anna, ben, root = (access.person(said, name) for name in ("anna", "ben", "root"))
    assert anna
    assert ben
    assert root
    assert [access.may(said, anna, right, "sales-2026") for right in ("ask", "read", "manage")] == [True, False, False]
    assert [access.may(said, ben, right, "sales-2026") for right in ("ask", "read", "manage")] == [False, True, False]
    assert all(access.may(said, root, right, "anything") for right in ("ask", "read", "manage"))
    assert not any(access.may(said, anna, right, "other") for right in ("ask", "read", "manage"))
    assert access.may_read(said, anna, "sales", "anna")
    assert not access.may_read(said, anna, "sales", "clara")
    assert access.person(said, "eve") is None
    assert access.by_token(said, "of anna") == anna
    assert access.by_token(said, "of ben") == ben
    assert access.by_token(said, "") is None


def test_who_may_not_ask_finds_no_bundle(desk: Desk) -> None:
    said = Host(askers=PEOPLE, rules=SALES)
    anna = access.person(said, "anna")
    assert anna
    with pytest.raises(UsageError, match=r"There is no report 'other' for anna\. There is sales\.$"):
        ask(desk._replace(host=said), anna, Wish(bundle="other"))


def test_the_catalogue_follows_its_directory(tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrapdb.reporting.service.catalogue._FRESH", 0)
    catalogue = Catalogue(str(bundles))
    before = {listed.name: listed.bundle for listed in catalogue.all()}
    assert [name for name, bundle in before.items() if bundle] == ["other", "sales"]
    assert catalogue.get("sales") is catalogue.get("sales")  # not read again
    config = bundles / "sales" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "title": "Sold"}))
    os.utime(config, (time.time() + 5,) * 2)
    write(bundles / "new", "")
    (bundles / "other" / "config.json").unlink()
    assert {listed.name: listed.bundle and listed.bundle.config.title for listed in catalogue.all()} == {
        "broken": None,
        "new": "Sales",
        "sales": "Sold",
    }
    write(bundles / "a b", "")
    assert "can be no name" in next(str(listed.wrong) for listed in catalogue.all() if listed.name == "a b")
    with pytest.raises(UsageError, match="There is no"):
        Catalogue(str(tmp_path / "nowhere"))


def test_what_is_said_of_a_service_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text("each: 3\nmail: {host: mail.example.com, sender: a@example.com, port: 25}\nread: [data]\n")
    said = host.read(file)
    assert (said.each, said.mail and said.mail.port) == (3, 25)
    assert said.read == (str(tmp_path / "data"),)
    for wrong, sentence in {
        "mial: 1": "mial is no option: did you mean mail?",
        "mail: {host: a, sender: b, prot: 1}": "mail.prot is no option: did you mean port?",
        "each: 0": "each has to be",
        "rules: [{bundles: a, aks: [b]}]": "rules[0].aks is no option",
        "limits: {timeout: soon}": "timeout",
        "zone: ../../etc/passwd": "zone: There is no time zone",
        "zone: Europe": "zone: There is no time zone",
        "links: soon": "links: 'soon' is no duration",
        "links: 0d": "links: '0d' is no duration",
        "keep: {younger: x}": "keep.younger: 'x' is no duration",
        "mail: {host: a, sender: b, largest: much}": "mail.largest: 'much' is no size",
        "url: reports.example.com": "url: 'reports.example.com' is no address of a server",
        "url: 'javascript:alert(1)'": "is no address of a server",
        "url: 'http://['": "is no address of a server",
    }.items():
        file.write_text(wrong)
        with pytest.raises(UsageError) as told:
            host.read(file)
        assert sentence in str(told.value), wrong


def test_the_published_schema_is_that_of_the_file() -> None:
    published = Path(__file__).parents[3] / "docs" / "service.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(json.dumps(host.schema()))


def test_the_service_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "service.md").read_text(encoding="utf-8")
    shown = "\n".join(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    (tmp_path / "service.yaml").write_text(re.sub(r"(?<=\[)([0-9a-f]{8})…(?=\])", r"\1" * 8, shown))  # whole hashes
    said = host.read(tmp_path / "service.yaml")
    assert said.mail
    assert (said.url, set(said.askers), len(said.rules)) == ("https://reports.example.com", {"anna", "shop", "zoe"}, 2)
