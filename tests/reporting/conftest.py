"""What tests of reports share."""

from __future__ import annotations

import re

import pytest

# Of many ways to the same end, the usual one is tested always.
_SLOW = re.compile(
    r"test_batch\.py::test_(?:resume_makes|a_killed_scrapdb|a_zip_and)"
    r"|test_maker\.py::test_(?:limits_of_the_bundle|a_page_again|a_frame_that_says|an_error_of_the_template_is_mended)"
    r"|test_maker\.py::test_(?:the_record_follows|the_bytes_are|a_token_is_issued.*\[(?!printed))"
    r"|test_commands\.py::test_(?:a_list_of_reports|what_went_wrong)"
    r"|test_found_nowhere\.py::.*\[(?!nothing|prints\])"
    r"|test_environments\.py::test_(?:one_process|who_is_killed)"
    r"|test_rendered\.py::test_pictures_of_every"
    r"|test_paper\.py::test_(?:the_text_of|a_page_that_takes|nothing_is_loaded\[none)"
    r"|test_in_notebook\.py::test_what_is_wrong_can_be_read.*told[1-6]\]"
    r"|test_serving\.py::test_it_ends_at_once.*(?:Running cell 3-15|rendered-)"
    r"|test_serving\.py::test_what_cannot_be_shown.*words[1-9]"
    r"|test_over_store\.py::test_(?:the_report_of.*\[ca|what_cannot_be_made.*words(?:[2-9]|1\d)-)"
    r"|test_sandbox\.py::test_what_never_ends.*(?:macro|chart)"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make proof` what takes long and shows little more."""
    for item in items:
        if _SLOW.search(item.nodeid):
            item.add_marker(pytest.mark.slow)
