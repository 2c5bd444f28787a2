"""What `make proof` runs and `make test` leaves out: of many ways to the same end, the usual one is tested always."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

_BELOW = {
    "tests/notebooks/": re.compile(
        r"test_assignments\.py::test_few_characters.*\[(?:names of texts|a text that grows|one name of many)"
    ),
    "tests/datasette/": re.compile(
        r"test_exfiltration\.py::.*\[others|test_versions\.py::test_(?:no_page_is_wider|the_keyboard|versions_are_seen)"
        r"|test_permissions\.py::test_nobody.*\[version_(?!scraps)"
    ),
    "tests/indexing/": re.compile(r"test_cluster\.py::test_a_cluster_that_is_gone.*\[scheduler"),
    "tests/query/": re.compile(
        r"test_conditions\.py::test_thousands_of_terms.*and-5000|test_select\.py::test_the_rows_of.*\[72-(?!None)"
    ),
    "tests/scrapbook/": re.compile(r"test_suite\.py::test_the_old_reading"),
    "tests/running/": re.compile(
        r"test_same\.py::test_outputs_of_others|test_same\.py::.*\[(?:agg|errors|inline|language|magics|processes|rich|widgets)\]"
        r"|test_forks\.py::test_fork_is_as_fresh.*refused\d\d\]"
        r"|test_walls\.py::test_(?:no_way_leads_out.*-fresh\]|older|landlock_holds|the_network.*landlock|nothing_stays.*\[(?:landlock|limits))"
        r"|test_endings\.py::test_(?:who_is|of_|a_secret_reaches).*(?:fresh|limits)"
        r"|test_endings\.py::test_each_end.*\[(?:fresh|limits)-(?!exception|memory of children|processor\]|kill -9)"
        r"|test_cluster\.py::test_(?:when|a_worker|what_nobody|stopping)"
        r"|test_engine\.py::test_(?:an_end_before|without_a_file)"
        r"|test_kernels\.py::(?:.*environment|test_interrupt_reaches_bash|test_outputs_of_bash)"
        r"|test_provisioner\.py::.*landlock"
    ),
    "tests/reporting/": re.compile(
        r"test_batch\.py::test_(?:resume_makes|a_killed_scrapdb|a_zip_and|fifty)"
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
        r"|service/web/test_serving\.py"
        r"|test_browser\.py::test_(?:all_by|a_sentence|without_scripts|a_hostile_sentence|every_field|a_phone.*dark\]|two_clicks)"
        r"|test_over_store\.py::test_(?:the_report_of.*\[ca|what_cannot_be_made.*words(?:[2-9]|1\d)-)"
        r"|test_work\.py::test_it_ends_with_its_parent"
        r"|test_sandbox\.py::test_what_never_ends.*(?:macro|chart)"
        r"|test_due\.py::test_two_workers.*processes"
        r"|delivering/test_(?:dispatch\.py::test_two_processes|letters\.py::test_a_letter_of|again\.py::test_the_command)"
        r"|test_elsewhere\.py::test_(?:what|a_token)"
    ),
}
# What is ours alone, or the browser's, so that one release of Datasette shows it as well as another.
_OF_DATASETTE = re.compile(
    r"test_(?:columns|compare|frame|gallery|groups|overview|parquet|plot|problems)\.py"
    r"|test_report\.py::test_(?!a_report_is_seen|who_may|the_page)"
    r"|test_serve\.py::test_(?:a_taken|ctrl_c|a_directory|the_frames)"
    r"|test_exfiltration\.py::test_(?:scripts_that_run|the_server_hears|nothing_acts_(?:in_the_frame|on_the_page|when|where))"
    r"|test_hostile\.py::test_a_(?:frame_of_values|number_that|sidecar)"
    r"|test_versions\.py::test_(?!the_table|who_may|shared|nothing_of)"
)
if version("datasette").startswith("1"):
    _BELOW["tests/datasette/"] = re.compile(f"{_BELOW['tests/datasette/'].pattern}|{_OF_DATASETTE.pattern}")


def mark(items: list[pytest.Item]) -> None:
    """Mark as slow what takes long and shows little more."""
    for item in items:
        if any(item.nodeid.startswith(room) and slow.search(item.nodeid) for room, slow in _BELOW.items()):
            item.add_marker(pytest.mark.slow)
