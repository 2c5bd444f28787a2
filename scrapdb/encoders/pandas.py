"""pandas: the payload is a DataFrame's parquet file in base64.

Source: scrapbook's `encoders.PandasArrowDataframeEncoder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import BinaryIO

from scrapdb.encoders import base64
from scrapdb.encoders.kinds import of
from scrapdb.errors import EncoderError
from scrapdb.errors import ScrapbookDataException
from scrapdb.facts import Frame

if TYPE_CHECKING:
    import pandas as pd

NAME = "pandas"


def decode(data: Any) -> pd.DataFrame:
    """Read the DataFrame.

    Raises:
        EncoderError: the payload is not base64, or not parquet.
    """
    import pyarrow as pa

    from scrapdb.formats import dataframe

    try:
        return dataframe.glued(dataframe.open_file(pa.BufferReader(parquet(data))))
    except (pa.ArrowException, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise EncoderError(f"The payload of a DataFrame is not parquet: {error}") from error


def encode(table: Any, **options: Any) -> str:
    """Write a pandas.DataFrame, or a table of pyarrow or polars.

    Args:
        table: the table.
        options: for `pandas.DataFrame.to_parquet` or `pyarrow.parquet.write_table`.

    Raises:
        ScrapbookDataException: it is no table, or parquet cannot hold a column.
    """
    import io

    import pyarrow as pa

    file = io.BytesIO()
    try:
        _write(table, file, options)
    except (pa.ArrowException, OverflowError) as error:
        reason = ". ".join(str(part).rstrip(".") for part in error.args)
        raise ScrapbookDataException(
            f"Parquet cannot hold the table: {reason}. Make that text, as by astype(str)."
        ) from error
    return base64.encode(file.getvalue())


def _write(table: Any, file: BinaryIO, options: dict[str, Any]) -> None:
    if hasattr(table, "to_parquet"):
        table.to_parquet(file, engine="pyarrow", **options)
    else:
        import pyarrow.parquet as pq

        pq.write_table(_arrow(table), file, **options)


def _arrow(table: Any) -> Any:
    import pyarrow as pa

    if isinstance(table, of("polars", "DataFrame")):
        if objects := [name for name, dtype in table.schema.items() if str(dtype) == "Object"]:
            raise ScrapbookDataException(f"Columns of Python objects cannot be glued: {', '.join(objects)}; cast them.")
        return table.to_arrow()  # by itself Arrow gets views of text, of which parquet takes no categories
    try:
        return pa.table(table)
    except (TypeError, ValueError) as error:
        raise ScrapbookDataException(f"{type(table)} is no table; glue a DataFrame that is made of it.") from error


def parquet(data: Any) -> bytes:
    """Take the parquet file out of the payload.

    Raises:
        EncoderError: the payload is not base64 text.
    """
    if not isinstance(data, str):
        raise EncoderError(f"The payload of a DataFrame is not base64 text but {data!r:.60}")
    try:
        return base64.decode(data)
    except ValueError as error:
        raise EncoderError(f"The payload of a DataFrame is not base64: {error}") from error


def frame(data: Any) -> Frame:
    """Take the DataFrame out of the payload as it is; only the footer of its file is read.

    Raises:
        EncoderError: the payload is not base64, or not parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from scrapdb.formats.dataframe import types

    content = parquet(data)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        schema = file.schema_arrow
        index = (schema.pandas_metadata or {}).get("index_columns") or []
        named = zip(schema.names, types(schema), strict=True)
        columns = tuple((name, type_) for name, type_ in named if name not in index)
    except (pa.ArrowException, OSError, ValueError, TypeError, AttributeError) as error:
        raise EncoderError(f"The payload of a DataFrame is not parquet: {error}") from error
    return Frame(content, file.metadata.num_rows, columns)
