from __future__ import annotations

import gettext
import json
from pathlib import Path

import jsonschema
import pytest

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import new
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles import translate


def test_what_is_begun_is_a_bundle(tmp_path: Path) -> None:
    files = new.begin(tmp_path / "deep/sales")
    bundle = opening.opened(str(tmp_path / "deep/sales"))
    assert sorted(files) == list(bundle.files)
    assert bundle.config.languages == ("en", "ca")
    said = json.loads(bundle.files["config.json"])
    schema = json.loads((tmp_path / "deep/sales" / said["$schema"]).read_text())
    jsonschema.validate(said, schema)


def test_its_translations_are_whole_and_compiled(tmp_path: Path) -> None:
    new.begin(tmp_path)
    before = opening.opened(str(tmp_path)).hash
    for done in (translate.update(str(tmp_path)), translate.compiled(str(tmp_path))):
        assert [(each.language, each.left_out) for each in done] == [("ca", {})]
    assert opening.opened(str(tmp_path)).hash == before
    catalan = gettext.translation("messages", str(tmp_path / "languages"), ["ca"])
    assert catalan.gettext("Sales of a shop") == "Vendes d\u2019una botiga"
    forms = [catalan.ngettext("from %(shown)s customer", "from %(shown)s customers", count) for count in (1, 2, 10**6)]
    assert forms == ["de %(shown)s client", "de %(shown)s clients", "de %(shown)s de clients"]


def test_only_into_what_is_empty(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(UsageError, match=r"is not empty. Name a new directory"):
        new.begin(tmp_path)
    with pytest.raises(BundleError, match=r"x cannot be written: (File exists|Not a directory)"):
        new.begin(tmp_path / "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
