"""What is made for a preview, without the browser."""

from __future__ import annotations

from pathlib import Path

from scrapdb.reporting.making.batch import Host
from scrapdb.reporting.preview.remaking import Remaking
from scrapdb.reporting.preview.shown import Choice
from scrapdb.running.kernels import servers
from tests.reporting.bundling import bundle

TOKEN = "tok-SESAME-open-me"  # noqa: S105 - of a test
PIECES = "import json\njson.dump({'site': [token[:9], token[9:]]}, open('output.json', 'w'))"


def test_a_page_that_would_show_its_token_is_not_shown(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    taking = ("#ENVIRONMENT\ntoken = '$TOKEN'", PIECES)
    made = bundle(tmp_path / "b", *taking, template="<title>t</title>{{ site|first }}")
    host = Host(tmp_path / "reports", tmp_path / "scraps.db", token=f"echo {TOKEN}")
    remaking = Remaking(str(made), Choice("", {}), host)
    with servers.used():
        shown = remaking(None, lambda **_: None)
        (made / "template.html").write_text("<title>t</title>{{ site|join }}")
        refused = remaking(None, lambda **_: None)
    assert shown.ran
    assert shown.problem is None
    assert "tok-SESAM" in str(shown.html)
    assert not refused.ran
    assert refused.problem is not None
    assert "token" in refused.problem.message
    assert "SESAME" not in repr(refused)
