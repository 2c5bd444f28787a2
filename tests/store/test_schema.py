from __future__ import annotations

from pathlib import Path

import pytest

from scrapdb.store import exported
from scrapdb.store import schema
from scrapdb.store.connection import open_writer
from tests.stores import query


def test_tables_of_notebooks_are_those_that_say_of_which() -> None:
    assert schema.tables_of_notebooks() == {
        "scraps": "notebook_id",
        "parameters": "notebook_id",
        "displays": "notebook_id",
        "frames": "notebook_id",
        "cells": "notebook_id",
        "records": "notebook_id",
        "reports": "notebook_id",
        "problems": "notebook_id",
        "runs": "nb_id",
    }


def test_every_table_is_exported_or_left_out_by_name() -> None:
    assert exported.TABLES == ("notebooks", "scraps", "parameters", "records", "reports", "problems")
    assert (
        *("version_notebooks", "version_scraps", "version_parameters", "version_records", "version_reports"),
        *("version_problems", "versions"),
    ) == exported.VERSIONS
    assert sorted([*exported.TABLES, *exported.VERSIONS, *exported.LEFT_OUT]) == sorted(schema.tables())


@pytest.mark.parametrize("table", [*schema.KEPT, "name_types"])
def test_what_notebooks_were_has_the_columns_of_what_they_are(tmp_path: Path, table: str) -> None:
    store = tmp_path / "scraps.db"
    open_writer(store).close()
    columns = "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{}')"
    assert query(store, columns.format(f"version_{table}")) == query(store, columns.format(table)) != []
