"""What the pages show of versions: on a notebook's page, on that of a version, compared, drawn and in the overview."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from scrapdb.datasette import bars
from scrapdb.datasette import history
from tests.datasette.asked import get
from tests.datasette.glued import page
from tests.datasette.server import served
from tests.datasette.test_compare import lines
from tests.datasette.test_overview import FOCUSED
from tests.datasette.versioned import HOSTILE
from tests.datasette.versioned import nights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

A = "runs/a.ipynb"
OVERVIEW = "/-/scrapdb/scraps/overview"


def text_of(fragment: str) -> str:
    """The words that a reader sees."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", fragment)).split()).replace(" ,", ",").replace(" ;", ";")


def section(text: str, start: str, end: str = "</section>") -> str:
    return text.partition(start)[2].partition(end)[0]


def versions_of(text: str) -> dict[str, list[str]]:
    """The table of versions: its cells by the version's number."""
    table = section(text, 'aria-label="Versions"', "</table>").partition("<tbody>")[2]
    rows = [[text_of(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in table.split("<tr")[1:]]
    return {row[0]: row[1:] for row in rows}


@pytest.fixture(scope="module")
def a(versioned: Path) -> str:
    response = get(versioned, page("notebook", path=A))
    assert response.status_code == 200
    return str(response.text)


def test_a_notebook_lists_its_versions_and_what_changed_in_each(a: str) -> None:
    found = versions_of(a)
    assert list(found) == ["4", "3", "2", "1"]
    assert [cells[0][:10] for cells in found.values()] == [
        (datetime.now(UTC) - timedelta(days=days, minutes=1)).date().isoformat() for days in (0, 3, 4, 5)
    ]
    assert [cells[1] for cells in found.values()] == ["completed", "failed KeyError", "completed", "completed"]
    assert found["1"][2] == "none before it"
    assert found["2"][2] == "<b>odd</b> 1 → 2, distance 0.5 → 0.25, prices; gone: late, page"
    assert found["3"][2] == "distance; gone: <b>odd</b>, chart, prices, width"
    assert found["4"][2] == "threshold 0.1 → 0.2, distance; new: chart, prices, width; code"


def test_each_version_leads_to_itself_and_to_what_it_changed(a: str) -> None:
    addresses = [
        html.unescape(address) for address in re.findall(r'href="([^"]+)"', section(a, 'id="versions"', "<h2"))
    ]
    for number in range(1, 5):
        assert page("notebook", path=A, version=number) in addresses
    compared = [address for address in addresses if "/compare?" in address]
    assert compared == [page("compare", path=[f"{A}@{n - 1}", f"{A}@{n}"]) for n in (4, 3, 2)]


def test_numbers_are_lines_that_lead_to_their_plot(versioned: Path, a: str) -> None:
    table = section(a, 'aria-label="Numbers over the versions"', "</table>")
    names = [text_of(name) for name in re.findall(r'<th scope="row">(.*?)</th>', table)]
    assert names == ["<b>odd</b>", "distance"]
    assert re.findall(r'aria-label="([^"]+versions:[^"]+)"', table) == [
        "2 versions: first 1, last 2, lowest 1, highest 2",
        "3 versions: first 0.5, last 1000, lowest 0.25, highest 1000",
    ]
    assert "Always the same: width 8" in text_of(section(a, 'id="versions"', "<h2"))
    (_, address) = [html.unescape(found) for found in re.findall(r'href="([^"]*/plot\?[^"]*)"', table)]
    drawn = get(versioned, address.replace("/plot?", "/plot.csv?")).text.splitlines()
    numbers = [line.rpartition(",")[2] for line in drawn[1:]]
    assert sorted(map(float, filter(None, numbers))) == [0.25, 0.5, 1000]
    text = get(versioned, address).text
    assert f'<input type="hidden" name="path" value="{A}">' in text
    (svg,) = re.findall(r'src="([^"]*/plot.svg[^"]*)"', text)
    assert get(versioned, html.unescape(svg)).status_code == 200
    assert "There is no run to draw" in get(versioned, f"{address}&where=distance>1e6").text


def test_pictures_stand_in_their_order_where_they_changed(versioned: Path, a: str) -> None:
    film = section(a, '<ol class="scrapdb-film"', "</ol>")
    assert re.findall(r'alt="([^"]+)"', film) == ["chart in version 1", "chart in version 4"]
    assert film.count('loading="lazy"') == 2
    assert [html.unescape(link) for link in re.findall(r'href="([^"]+)"', film)] == [
        f"{page('notebook', path=A, version=version)}#chart" for version in (1, 4)
    ]
    for address in re.findall(r'src="([^"]+)"', film):
        picture = get(versioned, html.unescape(address))
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


def test_a_version_is_shown_as_it_was(versioned: Path) -> None:
    text = get(versioned, page("notebook", path=A, version=2)).text
    first, last = sorted(re.findall(r"<td class=\"scrapdb-time\">(\S+)", text))[1:3]
    banner = text_of(section(text, 'role="status">', "</p>"))
    assert banner.startswith("Version 2 of 4, of ")
    assert first in banner
    assert last in banner
    assert re.search(r'href="([^"]+)" rel="prev">← version 1', text)
    assert re.search(r'href="([^"]+)" rel="next">version 3 →', text)
    assert re.search(r'<tr id="distance">.*?<td>\s*0\.25\s', text, re.DOTALL)
    assert "4 rows × 1 columns" in text
    assert '<tr id="chart">' in text
    assert "<h2>Same code</h2>" not in text
    assert 'aria-current="true" class="scrapdb-here"' in text
    for address in re.findall(r'href="([^"]*/(?:display|frame|compare)[^"]*)"', text):
        assert get(versioned, html.unescape(address)).status_code == 200, address


def test_a_version_is_named_as_on_the_command_line_too(versioned: Path) -> None:
    for name in (f"{A}@3", "a@3"):
        assert "Version 3 of 4" in text_of(get(versioned, page("notebook", path=name)).text)


def test_a_display_of_a_version_can_run_its_scripts(versioned: Path) -> None:
    text = get(versioned, page("notebook", path=A, version=1)).text
    (link,) = re.findall(r'href="([^"]+)"[^>]*>Run its scripts', text)
    running = get(versioned, html.unescape(link).partition("#")[0])
    assert '<iframe sandbox="allow-scripts"' in running.text
    assert "Version 1 of 4" in text_of(running.text)


def test_a_notebook_that_is_gone_is_shown_as_it_was_last(versioned: Path) -> None:
    response = get(versioned, page("notebook", path="runs/gone.ipynb"))
    assert response.status_code == 200
    banner = text_of(section(response.text, 'role="status">', "</p>"))
    assert banner.startswith("Version 1 of 1, of ")
    assert banner.endswith("The notebook is not there any more.")


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ({"path": A, "version": 9}, 404, "no version 9 of 'runs/a.ipynb'"),
        ({"path": f"{A}@9"}, 404, "no version 9 of"),
        ({"path": "nope@1"}, 404, "No notebook is called 'nope'"),
        ({"path": A, "version": "x"}, 400, "version is a whole number"),
        ({"path": A, "version": "0"}, 400, "version is a whole number"),
        ({"path": A, "version": str(10**30)}, 400, "version is a whole number"),
        ({"path": f"{A}@{10**30}"}, 404, "No notebook is called"),
    ],
)
def test_a_version_that_is_not_there(versioned: Path, address: dict[str, Any], status: int, words: str) -> None:
    response = get(versioned, page("notebook", **address))
    assert response.status_code == status
    assert words in html.unescape(response.text)


def test_a_path_wins_over_a_version(versioned: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(versioned.parent, tmp_path / "copy"), versioned.name)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE notebooks SET path = 'runs/a.ipynb@2' WHERE path = 'runs/same.ipynb'")
    text = get(store, page("notebook", path=f"{A}@2")).text
    assert f"<h1>{A}@2</h1>" in text


def test_versions_are_compared(versioned: Path) -> None:
    response = get(versioned, page("compare", path=[f"{A}@1", f"{A}@2", A]))
    assert response.status_code == 200
    found = lines(response.text)
    assert found["distance"] == ["0.5", "0.25 -0.25, × 0.5", "1000 +999.5, × 2000"]
    assert found["prices.rows"] == ["3", "4 +1, × 1.33333", "3"]
    heads = re.findall(r'<th scope="col"><a href="([^"]+)">([^<]+)</a>', response.text)
    assert [words for _, words in heads] == [f"{A}, version 1", f"{A}, version 2", A]
    assert html.unescape(heads[0][0]) == page("notebook", path=A, version=1)
    for address in re.findall(r'src="([^"]*/display/[^"]*)"', response.text):
        assert get(versioned, html.unescape(address)).content.startswith(b"\x89PNG")


def test_a_version_that_is_not_there_is_told_and_the_others_compared(versioned: Path) -> None:
    response = get(versioned, page("compare", path=[f"{A}@1", f"{A}@9", f"{A}@2"]))
    assert response.status_code == 404
    assert "no version 9" in response.text
    assert lines(response.text)["distance"][0] == "0.5"


def test_a_frame_of_a_version(versioned: Path) -> None:
    asked = {"path": A, "name": "prices", "_version": 2}
    text = get(versioned, page("frame", **asked)).text
    assert "4 rows × 1 column," in text
    assert f"{A}</a>, version 2" in text
    found = [html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*/frame\.[a-z]+\?[^"]*)"', text)]
    assert {link.partition("?")[0].rpartition(".")[2] for link in found} == {"parquet", "csv", "svg"}
    (csv,) = [link for link in found if "frame.csv" in link]
    assert get(versioned, csv).text.split() == ['"x"', "0", "1", "2", "3"]
    (parquet,) = [link for link in found if "frame.parquet" in link]
    assert get(versioned, parquet).content[:4] == b"PAR1"
    assert get(versioned, page("frame", **asked, x__gt=1)).text.count("<tr>") < text.count("<tr>")
    digest = hashlib.sha256(get(versioned, parquet).content).hexdigest()
    assert f"{A}</a>, version 2" in get(versioned, page("frame", hash=digest)).text


def test_a_display_is_sent_only_for_a_version_that_has_shown_it(versioned: Path) -> None:
    with closing(sqlite3.connect(versioned)) as connection:
        ((shown, version),) = connection.execute(
            """SELECT hash, notebook_id FROM version_displays
                WHERE mime_type = 'image/png' ORDER BY notebook_id LIMIT 1"""
        )
    assert get(versioned, page(f"display/{shown}", version=version)).status_code == 200
    assert get(versioned, page(f"display/{shown}", version=10**9)).status_code == 404
    assert get(versioned, f"/-/scrapdb/scraps/display/{'0' * 64}?version={version}").status_code == 404


def test_a_plot_has_time_as_an_axis(versioned: Path) -> None:
    now = get(versioned, page("plot", x="distance", y="width"))
    (link,) = re.findall(r'href="([^"]+)">Over time', now.text)
    text = get(versioned, html.unescape(link)).text
    assert 'name="versions" value="1" checked' in text
    assert "Over time" not in text
    rows = get(versioned, html.unescape(link).replace("/plot?", "/plot.csv?")).text.splitlines()
    assert rows[0] == "notebook,nb.since,width,nb.path"
    assert [row.split(",")[2] for row in rows[1:] if row.startswith(A)] == ["8", "8.0", "8"]
    assert get(versioned, html.unescape(link).replace("/plot?", "/plot.svg?")).status_code == 200


def test_without_versions_no_page_speaks_of_them(glued: Path) -> None:
    for address in (page("notebook", path="run1"), page("plot", x="distance"), OVERVIEW):
        text = get(glued, address).text
        assert not re.search("versions|Over time|Since yesterday", text.replace("/-/static-plugins", ""))
    response = get(glued, page("plot", x="distance", versions=1))
    assert response.status_code == 400
    assert "keeps no versions" in response.text


def test_the_overview_tells_what_changed_since_yesterday(versioned: Path) -> None:
    text = section(get(versioned, OVERVIEW).text, '<h2 id="news">', "<section aria-labelledby")
    assert text.startswith("Since yesterday")
    assert "4 notebooks are not what they were" in text_of(text)
    lists = {
        text_of(part.partition("</h3>")[0]): sorted(re.findall(r">(runs/[^<]+)<", part))
        for part in text.split("<h3>")[1:]
    }
    assert (
        lists
        == {
            "Newly failed 1": ["runs/c.ipynb"],
            "Recovered 2": [A, "runs/b.ipynb"],
            "New 1": ["runs/new.ipynb"],
            "Gone 1": ["runs/gone.ipynb"],
        }
        or lists | {"Recovered 2": [A, "runs/b.ipynb"]} == lists
    )
    rows = [[text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in text.split("<tr>")[2:]]
    assert [row[:4] for row in rows] == [
        ["value", "1", "3", "runs/c.ipynb"],
        ["value", "4.5", "5", "runs/b.ipynb"],
    ]


def test_the_link_of_the_overview_lists_what_changed(versioned: Path) -> None:
    (link,) = re.findall(r'href="(/scraps/versions\?[^"]*)"', get(versioned, OVERVIEW).text)
    rows = get(versioned, html.unescape(link).replace("versions?", "versions.json?_shape=array&")).json()
    assert {row["path"] for row in rows} == {A, "runs/b.ipynb", "runs/c.ipynb", "runs/new.ipynb"}


def test_the_overview_names_the_last_day_on_which_anything_changed(versioned: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(versioned.parent, tmp_path / "copy"), versioned.name)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE versions SET since = '2025' || substr(since, 5), until = '2025' || substr(until, 5)")
        ((last,),) = connection.execute("SELECT max(since) FROM versions")
    text = section(get(store, OVERVIEW).text, '<h2 id="news">', "<section aria-labelledby")
    assert text.startswith(f"Since {last[:10]}<")
    assert "The last day on which anything changed" in text


def hostile(versioned: Path, directory: Path) -> Path:
    """A copy whose versions have odd commits and branches."""
    store = Path(shutil.copytree(versioned.parent, directory / "copy"), versioned.name)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "UPDATE versions SET commit_hash = ?1, branch = ?1, authored_at = since WHERE version > 1", (HOSTILE,)
        )
    return store


def test_nothing_of_a_version_is_markup(versioned: Path, tmp_path: Path) -> None:
    store = hostile(versioned, tmp_path)
    path = f"runs/{HOSTILE.replace('/', '')}.ipynb"
    compared = page("compare", path=[f"{path}@1", f"{path}@2"])
    for address in (page("notebook", path=path), page("notebook", path=path, version=2), compared, OVERVIEW):
        response = get(store, address)
        assert response.status_code == 200
        assert "<script>document" not in response.text
        assert "<b>odd" not in response.text
    assert HOSTILE[:10] in text_of(get(store, page("notebook", path=path)).text)
    assert HOSTILE in html.unescape(get(store, page("notebook", path=path)).text)


def test_a_version_of_a_side_branch_and_a_renamed_notebook(versioned: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(versioned.parent, tmp_path / "copy"), versioned.name)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE versions SET until = since, branch = 'side' WHERE path = ? AND version = 2", (A,))
        connection.execute(
            """UPDATE versions SET previous = (SELECT id FROM versions WHERE path = 'runs/gone.ipynb')
                WHERE path = 'runs/new.ipynb'"""
        )
    found = versions_of(get(store, page("notebook", path=A)).text)
    assert found["2"][0].endswith("never there")
    numbers = section(get(store, page("notebook", path=A)).text, 'aria-label="Numbers over', "</table>")
    assert "2 versions: first 0.5, last 1000, lowest 0.5, highest 1000" in numbers
    banner = text_of(section(get(store, page("notebook", path=A, version=2)).text, 'role="status">', "</p>"))
    assert "which was never on the branch asked for" in banner
    renamed = get(store, page("notebook", path="runs/new.ipynb")).text
    assert versions_of(renamed)["1"][2] == "renamed from runs/gone.ipynb"
    assert list(versions_of(renamed)) == ["1", "1 runs/gone.ipynb"]
    news = section(get(store, OVERVIEW).text, '<h2 id="news">', "<section aria-labelledby")
    assert "Gone" not in news
    assert not re.search(r"<h3>New <", news)


def test_many_versions_are_cut_and_lead_to_all(versioned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 2)
    text = get(versioned, page("notebook", path=A)).text
    assert list(versions_of(text)) == ["4", "3"]
    (link,) = re.findall(r'href="([^"]+)">All versions', text)
    rows = get(versioned, html.unescape(link).replace("versions?", "versions.json?_shape=array&")).json()
    assert [(row["path"], row["version"]) for row in rows] == [(A, 4), (A, 3), (A, 2), (A, 1)]


def test_the_table_of_versions_leads_to_their_pages(versioned: Path) -> None:
    text = get(versioned, f"/scraps/versions?path={A}").text
    links = [html.unescape(link) for link in re.findall(r'<td class="col-version[^>]*><a href="([^"]+)"', text)]
    assert links == [page("notebook", path=A, version=version) for version in (4, 3, 2, 1)]
    assert get(versioned, "/scraps/versions?_col=version").status_code == 200


def test_shared_connections_stay_in_the_present(versioned: Path) -> None:
    import asyncio

    from datasette.app import Datasette

    async def ask() -> tuple[str, str, Any]:
        datasette = Datasette([str(versioned)])
        before = (await datasette.client.get("/scraps/notebooks.json?_shape=array")).text
        for _ in range(5):
            await datasette.client.get(page("notebook", path=A, version=1))
            await datasette.client.get(page("plot", x="nb.since", y="distance", versions=1))
        views = await datasette.databases["scraps"].execute("SELECT count(*) FROM sqlite_temp_schema")
        return before, (await datasette.client.get("/scraps/notebooks.json?_shape=array")).text, views.first()[0]

    before, after, views = asyncio.run(ask())
    assert before == after
    assert views == 0


def test_the_tables_of_versions_are_hidden_and_described(versioned: Path) -> None:
    found = {table["name"]: table for table in get(versioned, "/scraps.json").json()["tables"]}
    assert not found["versions"]["hidden"]
    assert found["settings"]["hidden"]
    twins = [name for name in found if name.startswith("version_")]
    assert len(twins) == 9
    assert all(found[name]["hidden"] for name in twins)
    for name in ("versions", "settings", *twins):
        assert re.search(r'class="metadata-description">\s*\S', get(versioned, f"/scraps/{name}").text), name


@pytest.mark.parametrize("table", ["versions", "version_notebooks", "version_scraps", "version_name_types", "settings"])
def test_who_may_not_see_versions_sees_no_page(versioned: Path, table: str) -> None:
    closed = {"databases": {"scraps": {"tables": {table: {"allow": {"id": "ann"}}}}}}
    for address in (page("notebook", path=A, version=1), page("notebook", path=A), OVERVIEW, page("plot", versions=1)):
        assert get(versioned, address, metadata=closed).status_code == 403
        assert get(versioned, address).status_code == 200


def test_the_files_say_what_the_store_does(versioned: Path) -> None:
    """What stands in the tables of versions is what was written, night by night."""
    written: dict[str, list[str]] = {}
    for _, files in nights(datetime.now(UTC).replace(tzinfo=None)):
        for name, document in files.items():
            if document:
                written.setdefault(f"runs/{name}", []).append(document["cells"][0]["source"][0])
    with closing(sqlite3.connect(versioned)) as connection:
        rows = connection.execute("SELECT path, json_group_array(version) FROM versions GROUP BY path").fetchall()
    assert {path: json.loads(numbers) for path, numbers in rows} == {
        path: [*range(1, 1 + len(sources))] for path, sources in written.items()
    }


@pytest.mark.parametrize(
    ("numbers", "path", "words"),
    [
        ([1, 2, 3], "M3 25h0L80 14L157 3", "3 versions: first 1, last 3, lowest 1, highest 3"),
        ([1, None, 3], "M3 25h0M157 3h0", "2 versions: first 1, last 3, lowest 1, highest 3"),
        ([2, 2], "M3 14h0L157 14", "2 versions: first 2, last 2, lowest 2, highest 2"),
        ([-1e308, 1e308], "M3 25h0L157 3", "2 versions: first -1e+308, last 1e+308, lowest -1e+308, highest 1e+308"),
        ([None, 5], "M157 14h0", "1 versions: first 5, last 5, lowest 5, highest 5"),
    ],
)  # fmt: skip
def test_lines(numbers: list[float | None], path: str, words: str) -> None:
    line = bars.line(numbers)
    assert (line.path, line.words) == (path, words)


# From here on a browser lives, beside which no other test of this module can ask Datasette without a server.


@pytest.fixture(scope="module")
def address(versioned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("datasette", hostile(versioned, tmp_path_factory.mktemp("hostile"))) as running:
        yield running


PAGES = (
    page("notebook", path=A),
    page("notebook", path=A, version=2),
    page("notebook", path=f"runs/{HOSTILE.replace('/', '')}.ipynb"),
    page("compare", path=[f"{A}@1", f"{A}@2"]),
    OVERVIEW,
)


def test_no_page_is_wider_than_its_window_and_nothing_acts(address: str, browser: Browser) -> None:
    for width, scheme in ((390, "dark"), (1280, "light")):
        tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        for asked in PAGES:
            tab.goto(address + asked)
            assert tab.evaluate("document.documentElement.scrollWidth") == width, asked
            assert tab.title() != "owned"
        tab.close()


def test_versions_are_seen_and_reached_without_scripts_and_by_keyboard(address: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address + page("notebook", path=A))
    line = tab.locator(".scrapdb-lines svg path").nth(1).bounding_box()
    assert line is not None
    assert line["width"] > 100
    pictures = tab.locator(".scrapdb-film img")
    pictures.last.scroll_into_view_if_needed()
    assert pictures.count() == 2
    tab.get_by_role("link", name="2", exact=True).focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**version=2")
    assert tab.get_by_role("status").inner_text().startswith("Version 2 of 4")
    tab.get_by_role("link", name="Compare with the version before").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/compare?*")
    assert tab.get_by_role("heading", name="Compare notebooks").is_visible()
    context.close()


def test_the_keyboard_reaches_every_version_and_sees_where_it_is(address: str, browser: Browser) -> None:
    tab = browser.new_page()
    tab.goto(address + page("notebook", path=A, version=2))
    links = tab.locator("section.content a:visible, section.content [tabindex='0']:visible")
    reached = set()
    for _ in range(links.count() + 20):
        tab.keyboard.press("Tab")
        reached.add(tuple(tab.evaluate(FOCUSED)))
    addresses = set(links.evaluate_all("all => all.map(link => link.href).filter(href => href)"))
    assert addresses <= {found for found, *_ in reached}
    assert {(style, width) for _, style, width, is_ours in reached if is_ours} == {("solid", "3px")}
    tab.close()
