"""Where reports may go: what is allowed, and every way around it that was thought of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.desk import ask
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import read
from scrapdb.reporting.service.recipients import check_recipient

HOST = Host(
    recipients=(
        "anna@example.com",
        "@corp.example",
        "slack:#sales",
        "https://hooks.example.com",
        "https://example.com/a/",
        "s3://bucket/",
        "s3://other/reports",
        "s3://other/one.html",
        "shared",
        "/srv/reports/",
    )
)


@pytest.mark.parametrize(
    ("to", "kind", "address"),
    [
        ("mail:anna@example.com", "mail", "anna@example.com"),
        ("mail:Anna@EXAMPLE.com", "mail", "anna@example.com"),
        ("mail:x.y+z@corp.example", "mail", "x.y+z@corp.example"),
        ("MAIL:x@corp.example", "mail", "x@corp.example"),
        ("slack:#sales", "slack", "#sales"),
        ("https://hooks.example.com", "webhook", "https://hooks.example.com/"),
        ("HTTPS://HOOKS.example.COM/x?y=1", "webhook", "https://hooks.example.com/x?y=1"),
        ("https://example.com/a/b", "webhook", "https://example.com/a/b"),
        ("s3://bucket/{bundle}/{site}.html", "url", "s3://bucket/{bundle}/{site}.html"),
        ("s3://other/reports/x", "url", "s3://other/reports/x"),
        ("s3://other/one.html", "url", "s3://other/one.html"),
        ("shared/{id}.html", "url", "shared/{id}.html"),
        ("/srv/reports/{site}/{id}", "url", "/srv/reports/{site}/{id}"),
    ],
)
def test_where_reports_may_go(to: str, kind: str, address: str) -> None:
    assert check_recipient(HOST, Target(to=to)) == (kind, address)


@pytest.mark.parametrize(
    "to",
    [
        "mail:eve@example.com",
        "mail:anna@example.com.evil.example",
        "mail:x@corp.example.evil",
        "mail:x@sub.corp.example",
        "mail:x@notcorp.example",
        "mail:anna@example.com,eve@evil.example",
        "mail:anna@example.com;eve@evil.example",
        "mail:anna@example.com eve@evil.example",
        "mail:eve@evil.example,x@corp.example",
        "mail:eve@evil.example@corp.example",
        "mail:<eve@evil.example>x@corp.example",
        'mail:"eve@evil.example"@corp.example',
        "mail:eve%evil.example@corp.example",
        "mail:evil.example!eve@corp.example",
        "mail:anna@example.com\nBcc: eve@evil.example",
        "mail:anna@example.com\r\nRCPT TO:<eve@evil.example>",
        "mail:anna@example.com\0",
        "mail:anna@example.com?bcc=eve@evil.example",
        "mail:anna@example.com ",
        "mail:\u0430nna@example.com",
        "mail:anna@ex\u0430mple.com",
        "mail:anna@example\uff0ecom",
        "mail:anna@example.com\u200b",
        "mail:@corp.example",
        "mail:",
        "mail:anna",
        f"mail:{'x' * 300}@corp.example",
        "anna@example.com",
        "slack:#sales2",
        "slack:sales",
        "slack:#sales,#board",
        "slack:#sales\n",
        "slack:",
        "http://hooks.example.com/",
        "https://hooks.example.com.evil.example/",
        "https://hooks.example.com@evil.example/",
        "https://hooks.example.com:secret@hooks.example.com/",
        "https://evil.example/https://hooks.example.com/",
        "https://evil.example#hooks.example.com/",
        "https://evil.example?hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com /",
        "https://h\u043eoks.example.com/",
        "https://example.com/ab",
        "https://example.com/a/../b",
        "https://example.com/a/%2e%2e/b",
        "https://example.com/a/..%2fb",
        "https://example.com/a/%2E./b",
        "https://example.com",
        "https:///a/",
        "https://[::1/",
        "s3://bucket2/x",
        "s3://bucket",
        "s3://{site}/x",
        "s3://bucket/../other/x",
        "s3://other/reports2",
        "s3://other/reports",
        "s3://other/one.html.exe",
        "s3://key:secret@bucket/x",
        "s3://bucket/x::file:///etc/passwd",
        "simplecache::s3://bucket/x",
        "shared",
        "shared2/x",
        "shared/../x",
        "./shared/x/../../y",
        "/srv/reports",
        "/srv/reports2/x",
        "/srv/reports/../x",
        "//srv/reports/x/../../../etc",
        "file:///srv/reports/x",
        "{site}",
        "ftp://example.com/",
        "javascript:alert(1)",
        " ",
        "x" * 3_000,
    ],
)
def test_where_they_may_not(to: str) -> None:
    with pytest.raises(ScrapdbError):
        check_recipient(HOST, Target(to=to))


def test_nowhere_unless_it_is_said() -> None:
    with pytest.raises(ScrapdbError, match=r"Nothing may go to mail:anna@example\.com: name it below `recipients`"):
        check_recipient(Host(), Target(to="mail:anna@example.com"))
    for nothing in ("", "@", "mail:", "slack:", "https://", "*"):
        with pytest.raises(ScrapdbError):
            check_recipient(Host(recipients=(nothing,)), Target(to="mail:anna@example.com"))
        with pytest.raises(ScrapdbError):
            check_recipient(Host(recipients=(nothing,)), Target(to="https://example.com/"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("author: ops@example.com", "author: ops@example.com is no target; write mail:ops@example.com."),
        (f"askers: {{anna: {{tokens: [{'a' * 43}]}}}}", "askers.anna.tokens: a hash has 64 characters from 0 to 9"),
        (f"askers: {{anna: {{tokens: [{'0a' * 32}, {'A0' * 32}]}}}}", "askers.anna.tokens: a hash has 64"),
        ("askers: {anna: {address: 'slack:sales'}}", "askers.anna.address: 'slack:sales' is no channel of Slack; "),
    ],
)
def test_addresses_and_hashes_in_service_yaml(tmp_path: Path, said: str, sentence: str) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(said)
    with pytest.raises(UsageError, match=f"^{re.escape(f'{path}: {sentence}')}"):
        read(path)


def test_a_condition_that_cannot_be_read_is_refused_at_the_desk(desk: Desk) -> None:
    wish = Wish(bundle="sales", deliver_if="total >")
    with pytest.raises(UsageError, match=r"^The condition 'total >' cannot be read: Expected a field or a value"):
        ask(desk, Person("anna"), wish)
