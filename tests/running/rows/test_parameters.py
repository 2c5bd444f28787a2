from __future__ import annotations

import datetime as dt
import enum
import json
import math
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from scrapdb.running.rows import parameters
from scrapdb.running.rows.parameters import Signature
from scrapdb.running.rows.secrets import looks_secret
from scrapdb.running.rows.values import Text
from tests.corpora import fetch
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import notebook

NAN = math.nan


def signature(*sources: str, **metadata: Any) -> Signature:
    """What a notebook takes whose cells of parameters are these."""
    cells = [code(source, tags=("parameters",)) for source in sources]
    return parameters.of(content(notebook(*cells, code("print(1)"), **metadata)))


def typed(declaration: str, text: Any) -> Any:
    """The value of `x` when it is given to a notebook that declares it so; text counts as typed."""
    return signature(declaration).typed({"x": Text(text) if isinstance(text, str) else text})["x"]


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, also in type; NaN is itself."""
    return type(one) is type(other) and repr(one) == repr(other)


def refusal(declaration: str, value: Any) -> str:
    with pytest.raises(UsageError) as caught:
        typed(declaration, value)
    return str(caught.value)


@pytest.mark.parametrize("text", ["007", "1e5", "no", "20250815_123413", "", "  a ", "é☃", "null", "1", "[1]", "NaN"])
@pytest.mark.parametrize("declaration", ["x = 'AAA'", "x = ''", "x: str", "x: 'str' = 'a'", "x = f'{y}'", "x: Path"])
def test_a_text_stays_as_it_was_typed(declaration: str, text: str) -> None:
    assert same(typed(declaration, text), text)


@pytest.mark.parametrize(
    ("declaration", "text", "expected"),
    [
        ("x = 100", "10", 10),
        ("x = 100", "-10", -10),
        ("x = 100", "+10", 10),
        ("x = 100", " 10 ", 10),
        ("x = 100", "007", 7),
        ("x = 100", "1_000_000", 1_000_000),
        ("x = 100", "10.0", 10),
        ("x = 100", "1e3", 1000),
        ("x = 100", "10.5", 10.5),
        ("x = 100", "1e-3", 0.001),
        ("x = 100", "nan", NAN),
        ("x = 100", "-inf", -math.inf),
        ("x = 100", "123456789012345678901234567890", 123456789012345678901234567890),
        ("x = 0.1", "10", 10.0),
        ("x = 0.1", "1e5", 1e5),
        ("x = 0.1", ".5", 0.5),
        ("x = 0.1", "NaN", NAN),
        ("x = 0.1", "Infinity", math.inf),
        ("x = 0.1", "9007199254740993", 9007199254740993),
        ("x = 0.1", "1" + "0" * 400, 10**400),
        ("x: int", "007", 7),
        ("x: int", "1.0", 1),
        ("x: int", "1755261253123456789", 1755261253123456789),
        ("x: float", "1", 1.0),
        ("x: float", "1e400", math.inf),
        ("x: typing.Any = 5", "abc", "abc"),
        ("x: MyType = 5", "6", 6),
        ("x: MyType", "6", 6),
        ("x: MyType", "006", "006"),
        ("x = None  # type: int", "6", 6),
        ("x = 5  # type: str", "6", "6"),
        ("x = 5  # a help", "6", 6),
        ("x = 5  # type: float  with help", "6", 6.0),
        ("x = -1", "5", 5),
        ("x = 10 * 60", "5", 5),
        ("x = int(y)", "5", 5),
    ],
)
def test_a_number_is_read_exactly(declaration: str, text: str, expected: Any) -> None:
    assert same(typed(declaration, text), expected)


@pytest.mark.parametrize(
    ("declaration", "text"),
    [
        ("x = 100", "ten"),
        ("x = 100", ""),
        ("x = 100", "20250815_123413"),
        ("x = 100", "0x10"),
        ("x = 100", "1,5"),
        ("x = 100", "1" * 5000),
        ("x = 0.5", "1__0"),
        ("x = 0.5", "a.5"),
        ("x: int", "10.5"),
        ("x: int", "nan"),
        ("x: int", "true"),
        ("x: int = 5", "None"),
        ("x = True", "maybe"),
        ("x = True", "2"),
        ("x: bool", ""),
        ("x = [1]", "1,2"),
        ("x = [1]", '{"a": 1}'),
        ("x = {}", "[1]"),
        ("x = [1]", "[" * 100_000),
        ("x: list[int]", "[1, 1.5]"),
        ("x: list[str]", "[1]"),
        ("x: dict[str, int]", '{"a": "b"}'),
        ("x: Literal['a', 'b']", "c"),
        ("x: Literal[1, 2]", "3"),
        ("Mode = Literal['a', 'b']\nx: Mode = 'a'", "c"),
        ("x: date", "2026-02-30"),
        ("x: date", "2026-01-31T12:00"),
        ("x: datetime", "yesterday"),
        ("x: int | None", ""),
        ("x: int | date", "abc"),
        ("x: time", "25:00"),
        ("x: datetime", "2026-01-31T12:30:00.123456789"),
        ("x: Literal[b'a']", "b"),
        ("x = date.today()", "yesterday"),
    ],
)
def test_a_wrong_value_is_refused(declaration: str, text: str) -> None:
    assert refusal(declaration, text).startswith("The parameter x cannot be ")


@pytest.mark.parametrize(
    ("declaration", "text", "sentence"),
    [
        ("x = 100", "ten", "The parameter x cannot be 'ten': it takes a number, as its default 100 is."),
        ("x: int", "1.5", "The parameter x cannot be '1.5': it takes an integer."),
        ("x: 'int | None'", "a", "The parameter x cannot be 'a': it takes an integer or None."),
        ("x: Literal['a', 'b', 3]", "c", "The parameter x cannot be 'c': it takes 'a' or 'b' or 3."),
        ("x: list[int]", "1", 'it takes a list as JSON writes it ([1, "a"]), each an integer.'),
        ("x = True", "2", "it takes true or false (yes or no, 1 or 0), as its default True is."),
        ("x: date", "1", "it takes a date (2026-01-31)."),
    ],
)
def test_a_refusal_says_what_is_wanted(declaration: str, text: str, sentence: str) -> None:
    assert refusal(declaration, text).endswith(sentence)


@pytest.mark.parametrize(
    ("declaration", "text", "expected"),
    [
        *[("x = True", text, True) for text in ("true", "True", "TRUE", "yes", "1", "on")],
        *[("x: bool", text, False) for text in ("false", "False", "no", "No", "0", "off")],
        ("x: int | None = None", "5", 5),
        ("x: int | None = None", "None", None),
        ("x: Optional[int] = 5", "null", None),
        ("x: typing.Optional[int]", "7", 7),
        ("x: Union[int, None]", "7", 7),
        ("x: None | float", "7", 7.0),
        ("x: int = None", "None", None),
        ("x: 'Optional[int]'", "7", 7),
        ("x: Annotated[int, 'metres']", "7", 7),
        ("x: Final[int] = 3", "7", 7),
        ("x: str | None = None", "None", None),
        ("x: str | None = None", "", ""),
        ("x: str | None", "007", "007"),
        ("x: 'NoneType' = None", "7", 7),
        ("Mode = Literal[1, 2]\nx: Mode = 1", "2", 2),
        ("x = 1  # type: ignore", "2", 2),
        ("x: int | str", "5", 5),
        ("x: int | str", "007", "007"),
        ("x: str | int", "5", 5),
        ("x: str | float", "1e5", "1e5"),
        ("x: bool | str", "true", True),
        ("x: bool | str", "yes", "yes"),
        ("x: bool | int", "1", 1),
        ("x: bool | int", "yes", True),
        ("x: list[str] | str", '["a"]', ["a"]),
        ("x: list[str] | str", "a", "a"),
        ("x: str | date", "2026-01-31", dt.date(2026, 1, 31)),
        ("x: str | date", "20260131", "20260131"),
        ("x: Literal['auto'] | int", "auto", "auto"),
        ("x: Literal['auto'] | int", "5", 5),
        ("x: Literal['a', 'b']", "b", "b"),
        ("x: typing.Literal[1, 2]", "2", 2),
        ("x: Literal[1, '1']", "1", "1"),
        ("x: Literal[-1, None, True]", "None", None),
        ("x: Literal[-1, None, True]", "-1", -1),
        ("x: Literal[True, 1.5]", "yes", True),
        ("x: Literal[True, 1]", "1", 1),
        ("x: Literal[b'a', 'a']", "a", "a"),
        ("x: date", "2026-01-31", dt.date(2026, 1, 31)),
        ("x: datetime.date", "2026-01-31T00:00:00", dt.date(2026, 1, 31)),
        ("x: dt.datetime", "2026-01-31", dt.datetime(2026, 1, 31)),  # noqa: DTZ001
        ("x: datetime", "2026-01-31 12:30:01.5", dt.datetime(2026, 1, 31, 12, 30, 1, 500_000)),  # noqa: DTZ001
        ("x: pd.Timestamp", "2026-01-31T12:30Z", dt.datetime(2026, 1, 31, 12, 30, tzinfo=dt.UTC)),
        ("x: time", "12:30", dt.time(12, 30)),
        ("x = date(2026, 1, 1)", "2026-01-31", dt.date(2026, 1, 31)),
        ("x = datetime.date.today()", "2026-01-31", dt.date(2026, 1, 31)),
        ("x = datetime.now()", "2026-01-31", dt.datetime(2026, 1, 31)),  # noqa: DTZ001
        ("x: list[int]", "[1, 2.0]", [1, 2]),
        ("x: List[date]", '["2026-01-31"]', [dt.date(2026, 1, 31)]),
        ("x: list", "[1, 'a', None]", [1, "a", None]),
        ("x: tuple[int, str]", '[1, "a"]', [1, "a"]),
        ("x: tuple[int, ...]", "(1, 2)", [1, 2]),
        ("x: dict[str, float]", '{"a": 1}', {"a": 1.0}),
        ("x = [1]", '["a", NaN]', ["a", NAN]),
        ("x = {'a': 1}", '{"b": [1]}', {"b": [1]}),
        ("x = (1, 2)", "[3]", [3]),
    ],
)
def test_an_annotation_or_default_gives_the_type(declaration: str, text: str, expected: Any) -> None:
    assert same(typed(declaration, text), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", 10),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("true", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ('{"a": null}', {"a": None}),
        *[
            (text, text)
            for text in (
                "007",
                "1e5",
                "3.10",
                "+5",
                "no",
                "yes",
                "20250815_123413",
                "",
                " 5",
                "nan",
                "[draft]",
                "{",
                "٣",
            )
        ],
        ("1" * 5000, "1" * 5000),
        ("[" * 100_000, "[" * 100_000),
    ],
)
@pytest.mark.parametrize("declaration", ["x = None", "x = compute()", "x: Any = 1"])
def test_without_a_type_only_what_is_unmistakable_is_more_than_text(declaration: str, text: str, expected: Any) -> None:
    assert same(typed(declaration, text), expected)


@given(st.integers() | st.floats() | st.text() | st.booleans() | st.none())
def test_what_json_writes_of_a_value_is_read_again_or_stays_text(value: Any) -> None:
    text = json.dumps(value) if not isinstance(value, str) else value
    made = typed("x = None", text)
    assert same(made, value) or same(made, text) or isinstance(value, str)


@given(st.integers())
def test_integers_of_any_size_are_exact(number: int) -> None:
    for declaration in ("x = 1", "x: int", "x: int | None", "x = None"):
        assert same(typed(declaration, str(number)), number)


@given(st.floats())
@example(-0.0)
def test_floats_are_exact(number: float) -> None:
    assert same(typed("x: float", repr(number)), number)
    assert typed("x = 1", repr(number)) == number or math.isnan(number)


MADRID = dt.datetime(2026, 1, 31, tzinfo=dt.timezone(dt.timedelta(hours=1)))


class Day(dt.date):
    """As pendulum and others have one."""


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("declaration", "value", "expected"),
    [
        ("x: int", 5, 5),
        ("x: int", 5.0, 5),
        ("x: int", "5", 5),
        ("x: int", np.int64(5), 5),
        ("x: int", Decimal(5), 5),
        ("x: float", 5, 5.0),
        ("x: float", np.float32(0.5), 0.5),
        ("x: float", Decimal("0.1"), 0.1),
        ("x: bool", 1, True),
        ("x: bool", np.bool_(0), False),
        ("x: str", np.str_("a"), "a"),
        ("x: str", Path("a/b"), "a/b"),
        ("x: str", Colour.RED, "red"),
        ("x: str", uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ("x: int | None", None, None),
        ("x: int | None", pd.NA, None),
        ("x: int = None", None, None),
        ("x: int | str", "5", "5"),
        ("x: date", dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
        ("x: date", pd.Timestamp("2026-01-31"), dt.date(2026, 1, 31)),
        ("x: date", np.datetime64("2026-01-31"), dt.date(2026, 1, 31)),
        ("x: date", "2026-01-31", dt.date(2026, 1, 31)),
        ("x: datetime", dt.date(2026, 1, 31), dt.datetime(2026, 1, 31)),  # noqa: DTZ001
        ("x: datetime", pd.Timestamp("2026-01-31T12:30"), dt.datetime(2026, 1, 31, 12, 30)),  # noqa: DTZ001
        ("x: datetime", np.datetime64("2026-01-31T12:30:00", "ns"), dt.datetime(2026, 1, 31, 12, 30)),  # noqa: DTZ001
        ("x: datetime | None", pd.NaT, None),
        ("x: datetime", "2026-01-31T12:30:00.123456000", dt.datetime(2026, 1, 31, 12, 30, 0, 123_456)),  # noqa: DTZ001
        ("x: date", Day(2026, 1, 31), dt.date(2026, 1, 31)),
        ("x = None", [pd.Timestamp("2026-01-31", tz="Europe/Madrid")], [MADRID]),
        ("x: list[int]", (1, 2), [1, 2]),
        ("x: list[int]", np.array([1, 2]), [1, 2]),
        ("x: list[str]", [Text("1")], ["1"]),
        ("x = 100", 10.0, 10),
        ("x = 100", "10", "10"),
        ("x = 100", None, None),
        ("x = 0.5", 1, 1.0),
        ("x = True", 0, False),
        ("x = 'AAA'", 7, 7),
        ("x = None", "5", "5"),
        ("x = None", 1.0, 1.0),
        ("x = None", dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
        ("x = None", [Text("1"), {"a": Text("no")}], [1, {"a": "no"}]),
    ],
)
def test_a_value_with_a_type_is_checked_and_made_plain(declaration: str, value: Any, expected: Any) -> None:
    signed = signature(declaration).typed({"x": value})["x"]
    assert same(signed, expected)


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("x: int", 5.5),
        ("x: int", True),
        ("x: int", None),
        ("x: float", True),
        ("x: str", 7),
        ("x: bool", 2),
        ("x: date", 20260131),
        ("x: date", pd.Timestamp("2026-01-31T12:30")),
        ("x: datetime", pd.Timestamp("2026-01-31T12:30:00.000000001")),
        ("x: Literal[1]", True),
        ("x: list[int]", [1, "a"]),
        ("x = None", {1, 2}),
        ("x = None", b"x"),
        ("x = None", 1j),
        ("x = None", object()),
        ("x = None", {1: 2}),
        ("x = None", Decimal("0.1234567890123456789")),
        ("x = None", np.timedelta64(1, "s")),
        ("x = None", pd.DataFrame({"a": [1]})),
    ],
)
def test_a_value_with_a_wrong_type_is_refused(declaration: str, value: Any) -> None:
    with pytest.raises(UsageError, match=r"^The parameter x cannot be "):
        signature(declaration).typed({"x": value})


def test_names_defaults_and_what_is_needed() -> None:
    found = signature(
        "import os\nsymbol: str\nlength: int = 100  # days\nstart = compute()\na, b = 1, 2\nif os:\n    c = 3\n"
        "%matplotlib inline\ndef f():\n    d = 4\n[0][0] = 1"
    )
    assert [*found.parameters] == ["symbol", "length", "start", "a", "b", "c"]
    assert found.defaults == {"length": 100, "a": 1, "b": 2}
    assert found.parameters["start"].default == Expression("compute()")
    assert found.warnings == ()
    assert not found.open


def test_all_that_is_missing_is_told_at_once() -> None:
    found = signature("symbol: str\nlength: int\nx = 1")
    with pytest.raises(UsageError, match=r"^The notebook needs symbol \(a text\), length \(an integer\): no value"):
        found.typed({})
    with pytest.raises(UsageError, match=r"needs length \(an integer\)"):
        found.typed({"symbol": "a"})
    assert found.typed({"symbol": "a"}, secrets=["length"]) == {"symbol": "a"}


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    found = signature("symbol = 'AAA'\nlength = 1")
    with pytest.raises(UsageError, match=r"^The notebook takes no parameter symbl: did you mean symbol\?$"):
        found.typed({"symbl": "a"})
    with pytest.raises(UsageError, match="no parameter key_: "):
        found.typed({}, secrets=["key_"])
    with pytest.raises(UsageError, match=r"zzz: there are symbol, length\."):
        found.typed({"zzz": 1})


def test_a_name_is_the_same_in_both_spellings() -> None:
    assert signature("caf\u00e9 = 1").typed({"cafe\u0301": Text("2")}) == {"caf\u00e9": 2}


def test_a_notebook_without_a_cell_of_parameters_takes_any_name_and_says_so() -> None:
    found = parameters.of(content(notebook(code("print(1)"))))
    assert found.open
    assert found.warnings
    assert found.typed({"a": Text("5"), "b": Text("007")}) == {"a": 5, "b": "007"}
    for name in ("a b", "class", "1a", ""):
        with pytest.raises(UsageError, match="cannot be the name"):
            found.typed({name: 1})
    with pytest.raises(UsageError, match="secret"):
        found.typed({"token": 1})


def test_an_empty_cell_of_parameters_takes_none() -> None:
    found = signature("# nothing yet")
    assert not found.open
    with pytest.raises(UsageError, match="there are none"):
        found.typed({"a": 1})


@pytest.mark.parametrize(("kernel", "language"), [("bash", "bash"), ("ir", "R")])
def test_of_another_language_any_name_is_taken(kernel: str, language: str) -> None:
    metadata = {"kernelspec": {"name": kernel, "language": language}, "language_info": {"name": language}}
    found = signature("x=5", **metadata)
    assert found.warnings == ()
    assert found.typed({"x": Text("007"), "a.b": Text("5")}) == {"x": "007", "a.b": 5}


def test_another_kernel_may_be_another_language() -> None:
    cell = content(notebook(code("x = 5", tags=("parameters",))))
    assert parameters.of(cell, kernel="bash").open
    assert not parameters.of(cell, kernel="venv-analytics").open


def test_what_is_set_again_later_cannot_be_given() -> None:
    found = signature("x = 1\ny = 2", "y = 3\nz = 4")
    assert found.typed({"x": 5}) == {"x": 5}
    for name in ("y", "z"):
        with pytest.raises(UsageError, match=f"^The parameter {name} cannot be given: cell 1 sets it again"):
            found.typed({name: 5})


def test_an_executed_notebook_can_be_run_again() -> None:
    cells = [code("x = 1", tags=("parameters",)), code("x = 2", tags=("injected-parameters",)), code("print(x)")]
    found = parameters.of(content(notebook(*cells)))
    assert found.defaults == {"x": 1}
    assert found.typed({"x": Text("3")}) == {"x": 3}


@pytest.mark.parametrize(
    "name",
    [
        *("token", "api_token", "API_TOKEN", "authToken", "accesstoken", "password", "db_password", "dbpassword"),
        *("passwd", "Secret", "client_secret", "clientSecret", "api_key", "API_KEY", "apikey", "apiKey", "APIKey"),
        *("credentials", "aws_secret_access_key", "private_key", "passphrase", "github_token_2", "x_token"),
    ],
)
def test_a_secret_is_refused_with_a_hint(name: str) -> None:
    found = signature(f"{name} = ''")
    with pytest.raises(UsageError, match=f"--secret {name}") as caught:
        found.typed({name: "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert found.typed({name: "hunter2"}, allow=[name]) == {name: "hunter2"}
    assert found.typed({}, secrets=[name]) == {}
    with pytest.raises(UsageError, match="twice"):
        found.typed({name: "hunter2"}, secrets=[name])


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer", "max_tokens", "n_tokens", "tokens", "tokenize", "pad_token", "eos_token_id", "maxTokens"),
        *("secretary", "key", "keys", "monkey", "api", "passenger", "pass_rate", "symbol", "compass", "token_count"),
    ],
)
def test_other_names_are_no_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_the_hash_is_the_same_whatever_values_came_from() -> None:
    found = signature("symbol = 'AAA'\nlength = 100\nrate = 0.5\nday: date\nflag = True")
    as_text = {"symbol": "BCD", "length": "010", "rate": "1", "day": "2026-01-31", "flag": "yes"}
    from_text = found.typed({name: Text(text) for name, text in as_text.items()})
    from_python = found.typed(
        {"flag": 1, "day": pd.Timestamp("2026-01-31"), "rate": 1, "length": np.int64(10)} | {"symbol": "BCD"}
    )
    assert parameters.canonical(from_text) == parameters.canonical(from_python)
    assert parameters.hashed(from_text) == parameters.hashed(from_python)
    assert json.loads(parameters.canonical(from_text)) == parameters.plain(from_text)
    assert parameters.canonical(from_text) == ('{"day":"2026-01-31","flag":true,"length":10,"rate":1.0,"symbol":"BCD"}')
    assert parameters.hashed({"x": NAN}) != parameters.hashed({"x": None})
    assert parameters.hashed({"x": "\ud800"})


def test_a_broken_notebook_is_a_sentence() -> None:
    with pytest.raises(ScrapdbError, match=r"cannot be run\. The file is empty"):
        parameters.of(b"")


def test_nothing_is_executed(tmp_path: Path) -> None:
    victim = tmp_path / "written"
    opened = f"open({str(victim)!r}, 'w')"
    found = signature(f"x: {opened} = {opened}\ny: {opened!r} = 1")
    assert [*found.parameters] == ["x", "y"]
    assert not victim.exists()


def test_notebooks_of_others_tell_their_parameters() -> None:
    """All names that papermill's own inspection finds, in every notebook with a cell of parameters in Python."""
    looked_at = 0
    for path in sorted(fetch().rglob("*.ipynb")):
        try:
            cells = [
                cell for cell in json.loads(path.read_bytes())["cells"] if "parameters" in cell["metadata"]["tags"]
            ]
        except (ValueError, LookupError, TypeError):  # no notebook, an old one, or one with cells without tags
            continue
        if not cells or (found := parameters.of(path.read_bytes())).open:
            continue
        inspected = PythonTranslator.inspect({"source": "".join(cells[0]["source"])})
        assert {each.name for each in inspected} <= {*found.parameters, *found.late}, path
        looked_at += 1
    assert looked_at > 20
