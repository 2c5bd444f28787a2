"""A query on a store: an expression, columns and an order, answered as rows of Python values."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from scrapdb.errors import ExpressionError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.query.binding import bind
from scrapdb.query.bound import Decided
from scrapdb.query.bound import Fails
from scrapdb.query.bound import Leaf
from scrapdb.query.bound import Place
from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import NameRow
from scrapdb.query.nodes import And
from scrapdb.query.nodes import Comparison
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import Not
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value
from scrapdb.query.nodes import names
from scrapdb.query.parser import Column
from scrapdb.query.parser import SortKey
from scrapdb.query.parser import parse
from scrapdb.query.parser import parse_columns
from scrapdb.query.parser import parse_sort
from scrapdb.query.patterns import register
from scrapdb.query.sql import statements
from scrapdb.query.sql.statements import Order
from scrapdb.query.sql.statements import Statement
from scrapdb.store.values import load
