"""Signed links: who has one reads one report, for a time, and nobody makes one himself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.service import keys
from scrapdb.reporting.service import links
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import links as rows
from tests.reporting.service.delivering import desks

URL = "https://reports.example.com"


def token(url: str | None) -> str:
    assert url
    assert url.startswith(f"{URL}/r/")
    return url.removeprefix(f"{URL}/r/")


def test_a_link_leads_to_its_report_until_it_is_taken_back(tmp_path: Path) -> None:
    with desks.desk(tmp_path, url=f"{URL}/") as desk:
        request = desks.over(desk)
        given = token(links.made(desk, request, "mail:anna@example.com"))
        other = token(links.made(desk, request, "mail:ben@example.com"))
        assert "anna" not in given
        assert links.checked(desk, given).id == request.id
        first = next(link for link in rows.of(desk.ledger, request.id) if link.recipient == "mail:anna@example.com")
        assert links.taken_back(desk, first.id, "ops")
        assert not links.taken_back(desk, first.id, "ops")
        with pytest.raises(links.LinkError, match="taken back"):
            links.checked(desk, given)
        assert links.checked(desk, other).id == request.id
        assert [(line.who, line.what) for line in audit.latest(desk.ledger)] == [("ops", "take back")]


def test_who_is_told_twice_has_one_link(tmp_path: Path) -> None:
    with desks.desk(tmp_path, url=URL) as desk:
        request = desks.over(desk)
        for _ in range(3):
            links.made(desk, request, "mail:anna@example.com")
        assert len(rows.of(desk.ledger, request.id)) == 1


def test_a_link_expires(tmp_path: Path) -> None:
    with desks.desk(tmp_path, url=URL, links="300ms") as desk:
        given = token(links.made(desk, desks.over(desk), "mail:anna@example.com"))
        time.sleep(0.31)
        with pytest.raises(links.LinkError, match="expired"):
            links.checked(desk, given)


def test_nobody_makes_one_himself(tmp_path: Path) -> None:
    with desks.desk(tmp_path, url=URL) as desk:
        one, other = desks.over(desk), desks.over(desk)
        given = token(links.made(desk, one, "mail:anna@example.com"))
        row = rows.of(desk.ledger, one.id)[0]
        signer = keys.serializer(desk.reports, "link")
        forged: list[Any] = [
            "",
            ".",
            given[:-1],
            f"{given}x",
            given.swapcase(),
            "x" * 100_000,
            keys.serializer(desk.reports, "session").dumps([row.id, one.id]),  # signed for something else
            keys.serializer(tmp_path / "elsewhere", "link").dumps([row.id, one.id]),
            signer.dumps([row.id, other.id]),
            signer.dumps(["00" * 8, one.id]),
        ]
        for each in forged:
            with pytest.raises(links.LinkError):
                links.checked(desk, each)


def test_a_report_that_is_gone_has_no_links(tmp_path: Path) -> None:
    with desks.desk(tmp_path, url=URL) as desk:
        request = desks.over(desk)
        given = token(links.made(desk, request, "mail:anna@example.com"))
        with desk.ledger.writing() as connection:
            connection.execute("DELETE FROM requests WHERE id = ?", [request.id])
        with pytest.raises(links.LinkError, match="not kept any more"):
            links.checked(desk, given)


def test_without_an_address_of_the_service_there_is_none(tmp_path: Path) -> None:
    with desks.desk(tmp_path) as desk:
        assert links.made(desk, desks.over(desk), "mail:anna@example.com") is None


def test_the_key_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    first = keys.keys(tmp_path)
    path = tmp_path / keys.NAME
    assert (keys.keys(tmp_path), path.stat().st_mode & 0o777) == (first, 0o600)
    assert [each.name for each in tmp_path.iterdir()] == [keys.NAME]
    path.chmod(0o644)
    with pytest.raises(ScrapdbError, match="chmod 600"):
        keys.keys(tmp_path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(ScrapdbError, match="holds no key"):
        keys.keys(tmp_path)


def test_keys_of_the_environment_are_changed_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "o" * 40, "n" * 40
    with desks.desk(tmp_path, url=URL) as desk:
        request = desks.over(desk)
        monkeypatch.setenv(keys.VARIABLE, old)
        given = token(links.made(desk, request, "mail:anna@example.com"))
        monkeypatch.setenv(keys.VARIABLE, f"{new}, {old}")
        assert links.checked(desk, given).id == request.id
        newer = token(links.made(desk, request, "mail:anna@example.com"))
        monkeypatch.setenv(keys.VARIABLE, new)
        assert links.checked(desk, newer).id == request.id
        with pytest.raises(links.LinkError):
            links.checked(desk, given)
        monkeypatch.setenv(keys.VARIABLE, "short")
        with pytest.raises(UsageError, match="too short"):
            links.checked(desk, newer)
    assert not (tmp_path / "reports" / keys.NAME).exists()
