"""Python value to payload and back: one module per encoder, one ordered table.

An encoder is a module with `NAME`, `encode(value)` and `decode(data)`. The payloads are scrapbook's, so that what
either writes the other reads. Nothing here imports or evaluates anything that a payload names. `registry` holds the
same encoders, and those that users add, for `glue` and `read_notebook`; the index reads with `ENCODERS` alone.
"""

from __future__ import annotations

from scrapdb.encoders import json
from scrapdb.encoders import pandas
from scrapdb.encoders import text
from scrapdb.encoders.registration import DataEncoderRegistry as DataEncoderRegistry
from scrapdb.encoders.registration import DisplayEncoder as DisplayEncoder
from scrapdb.encoders.registration import JsonEncoder as JsonEncoder
from scrapdb.encoders.registration import PandasArrowDataframeEncoder as PandasArrowDataframeEncoder
from scrapdb.encoders.registration import TextEncoder as TextEncoder
from scrapdb.encoders.registration import deregister as deregister
from scrapdb.encoders.registration import register as register
from scrapdb.encoders.registration import registry as registry

ENCODERS = (text, json, pandas)
