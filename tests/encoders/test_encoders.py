from __future__ import annotations

import base64
import io
import math
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from scrapdb.encoders import ENCODERS
from scrapdb.encoders.base64 import decode as from_base64
from scrapdb.encoders.pandas import frame
from scrapdb.errors import EncoderError
from scrapdb.facts import Frame

BY_NAME: dict[str, Any] = {encoder.NAME: encoder for encoder in ENCODERS}
FRAME = pd.DataFrame({"n": [1, 2], "s": ["a", None]}, index=["r1", "r2"])


def parquet_file(frame: pd.DataFrame = FRAME) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow")
    return file.getvalue()


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def claiming(pandas_metadata: bytes) -> bytes:
    """A parquet file that claims to have been written by pandas."""
    file = io.BytesIO()
    table = pa.table({"n": [1]}).replace_schema_metadata({b"pandas": pandas_metadata})
    pq.write_table(table, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoder", "payload", "value"),
    [
        ("text", "007", "007"),
        ("text", 7, "7"),
        ("text", None, "None"),
        ("json", 7, 7),
        ("json", None, None),
        ("json", {"a": [1, "2"]}, {"a": [1, "2"]}),
        ("json", "7", 7),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", "no JSON", "no JSON"),
        ("json", "[" * 100_000, "[" * 100_000),
        ("json", "inf", math.inf),
        ("json", "-inf", -math.inf),
        ("json", ["nan"], ["nan"]),
    ],
)
def test_payloads_are_read(encoder: str, payload: Any, value: Any) -> None:
    assert BY_NAME[encoder].decode(payload) == value


def test_nan_is_read_back() -> None:
    assert math.isnan(BY_NAME["json"].decode("nan"))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_frame_is_read(wrapped: bool) -> None:
    content = parquet_file()
    payload = base64.encodebytes(content) if wrapped else base64.b64encode(content)
    assert_frame_equal(BY_NAME["pandas"].decode(payload.decode()), FRAME)
    assert frame(payload.decode()).parquet == content


def test_a_frame_is_summed_up_without_its_index() -> None:
    for content in (parquet_file(), parquet_file(FRAME.reset_index(drop=True))):
        assert frame(in_base64(content)) == Frame(content, 2, (("n", "int64"), ("s", "large_string")))


def test_types_of_pandas_have_their_names() -> None:
    months = pd.DataFrame({"m": pd.period_range("2024-01", periods=2, freq="M"), "i": pd.interval_range(0, 2)})
    schema = frame(in_base64(parquet_file(months))).schema
    assert schema == (("m", "period[M]"), ("i", "interval[int64, right]"))


def test_names_that_are_booleans_are_read_back() -> None:
    counted = pd.crosstab(pd.Series(list("aab"), name="k"), pd.Series([True, False, True], name="big"))
    assert_frame_equal(BY_NAME["pandas"].decode(in_base64(parquet_file(counted))), counted)


@pytest.mark.parametrize("payload", [None, 1, ["UEFSMQ=="], "no base64!", "é", "", "UEFSMQ==", "UEFSMVBBUjE="])
def test_what_is_no_frame_is_refused(payload: Any) -> None:
    with pytest.raises(EncoderError, match=r"^The payload of a DataFrame is not "):
        BY_NAME["pandas"].decode(payload)
    with pytest.raises(EncoderError, match=r"^The payload of a DataFrame is not "):
        frame(payload)


@pytest.mark.parametrize("claim", [b"[1]", b"no JSON", b"\xff", b'{"index_columns": 7}', b'"text"'])
def test_a_parquet_file_with_false_claims_is_refused(claim: bytes) -> None:
    with pytest.raises(EncoderError, match="not parquet"):
        frame(in_base64(claiming(claim)))


def test_a_truncated_parquet_file_is_refused() -> None:
    content = parquet_file()
    for length in range(0, len(content), 97):
        with pytest.raises(EncoderError, match="not parquet"):
            frame(in_base64(content[:length]))


@pytest.mark.parametrize(("text", "content"), [("aGk=", b"hi"), ("aG\nk=\n", b"hi"), ("", b""), (" aGk=\r\n ", b"hi")])
def test_base64_is_decoded(text: str, content: bytes) -> None:
    assert from_base64(text) == content


@pytest.mark.parametrize("text", ["aGk", "aGk=é", "<svg/>", "aGk=\0"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_base64(text)
