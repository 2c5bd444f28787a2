"""Cells of `#ENVIRONMENT`. What a filled cell says is read by `ast.literal_eval`, or by executing it."""

from __future__ import annotations

import ast
import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.running.rows import parameters
from scrapdb.running.rows.parameters import Signature
from scrapdb.running.rows.placeholders import Placeholder
from scrapdb.running.rows.placeholders import PlaceholderError
from scrapdb.running.rows.placeholders import Variable
from scrapdb.running.rows.placeholders import filled
from scrapdb.running.rows.placeholders import found
from scrapdb.running.rows.placeholders import takes
from scrapdb.running.rows.values import Text
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import notebook

NASTY = (
    '"',
    "'",
    "\\",
    "\\'",
    "\n",
    "\r\n",
    "$",
    "$$",
    "$FROM_DAY",
    '"; __import__("os").system("true"); "',
    "'''",
    '"""',
    "{{ 7 * 7 }}",
    "{x!r:>{y}}",
    "%s",
    "\0",
    "\ud800",
    "\u2028",
    "# no comment",
    "\x1b[0m",
    "",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def ran(source: str, **names: Any) -> dict[str, Any]:
    """The variables that are there when a cell has been executed."""
    exec(source, names)  # noqa: S102
    return names


def assigned(source: str) -> Any:
    """What a cell assigns last, which is a literal."""
    statement = ast.parse(source).body[-1]
    assert isinstance(statement, ast.Assign)
    return ast.literal_eval(statement.value)


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        ("#ENVIRONMENT", True),
        ("#Environment", True),
        ("# environment", True),
        ("#  EnViRonMent  ", True),
        ("\n  #environment:", True),
        ("#\tENVIRONMENT\r", True),
        ("#ENVIRONMENT (filled by the host)", True),
        ("# Environment of the report", True),
        ("#ENVIRONMENTS", False),
        ("## environment", False),
        ("import os  # environment", False),
        ("import os\n#ENVIRONMENT", False),
        ("'#ENVIRONMENT'", False),
        ("#NOEXECUTE\n#ENVIRONMENT", False),
    ],
)
def test_a_cell_is_told_by_its_first_line(first: str, *, is_one: bool) -> None:
    assert takes(f"{first}\nx = '$X'", ()) is is_one
    assert not takes(f"{first}\nx = '$X'", ("skip-execution",))


def test_a_comment_on_something_else_is_one() -> None:
    assert not takes("# Environment variables\nos.environ['PATH'] = '$HOME/bin'\nif x == '$':\n    pass", ())
    assert not takes("# environment setup\nimport os", ())


@given(st.text() | st.sampled_from(NASTY), st.sampled_from(['"$X"', "'$X'", '"""$X"""', 'r"$X"', '"${X}"', "('$X')"]))
@example("\\", '"$X"')
def test_any_text_is_the_text_that_it_was(value: str, literal: str) -> None:
    assert assigned(filled(f"x = {literal}", {"X": value})) == value


@given(st.lists(st.text() | st.sampled_from(NASTY), min_size=3, max_size=3))
def test_any_text_within_a_text_is_the_text_that_it_was(values: list[str]) -> None:
    one, two, three = values
    source = "y = 'a'\nx = f'<{y!r:>5}$ONE{{}}{y}' '$TWO' \"$$ ${THREE}3\""
    made = filled(source, {"ONE": one, "TWO": two, "THREE": three})

    assert ran(made)["x"] == f"<  'a'{one}{{}}a{two}$ {three}3"


@given(JSON)
def test_any_value_keeps_its_type(value: Any) -> None:
    assert repr(assigned(filled("x = '$X'", {"X": value}))) == repr(value)
    assert ran(filled("x = ['$X', str('$X')]", {"X": value}))["x"] == [value, str(value)]


def test_what_json_has_no_number_for_is_a_number() -> None:
    made = ran(filled("x = '$X'", {"X": [math.inf, {"a": -math.inf}, math.nan]}))["x"]

    assert made[:2] == [math.inf, {"a": -math.inf}]
    assert math.isnan(made[2])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = '$FROM' + '$FROM_DAY'", "fd"),
        ("x = '$FROM_DAY $FROM, $FROMAGE'", "d f, cheese"),
        ("x = '${FROM}_DAY'", "f_DAY"),
        ("x = '$$FROM $$$FROM'", "$FROM $f"),
        ("x = '$5 and $ and 5$'", "$5 and $ and 5$"),
        ("x = '$' 'FROM'", "f"),
        ("x = {'$FROM': ['$N']}", {"f": [-7]}),
        ("x = '$N' ** 2", 49),
        ("x = '$N'.bit_length()", 3),
        ("x = 1 if '$NO' else '$FROM'", "f"),
        ("x = int('$N') + 1", -6),
        ("x = '$FROM'.upper() if True else '''\n$FROM'''; y = '$FROM_DAY'", "F"),
        ("x = 'é☃ $FROM' + '$FROM_DAY'", "é☃ fd"),
        ("def g(day='$FROM_DAY'):\n    return f'{day}-{f\"$FROM\"}'\nx = g()", "d-f"),
        ("y = {'a': 3}\nx = f\"{y['a']:{'$WIDTH'}}|{y['a']=}|$FROM\"", "  3|y['a']=3|f"),
        ("x: str = '$FROM'", "f"),
        ("x = '$FROM'  # '$FROM_DAY' and '$NOBODY'", "f"),
        ("x = dict(a='$N')", {"a": -7}),
    ],
)
def test_whole_names_are_filled_where_they_stand(source: str, expected: Any) -> None:
    values = {"FROM": "f", "FROM_DAY": "d", "FROMAGE": "cheese", "N": -7, "NO": False, "WIDTH": 3}

    assert ran(filled(source, values))["x"] == expected


def test_what_is_no_placeholder_stays_as_it_is() -> None:
    source = "#ENVIRONMENT\n# '$X'\n\nx  =  1 # y\ns = 'a' + \"b\"\nr = r'\\d$'\r\nf = f'${x}'"

    assert found(source) == []
    assert filled(source, {}) == source


def test_only_the_literal_changes() -> None:
    source = "#ENVIRONMENT\nday =  '$DAY'   # of '$DAY'\nother = [1,2]\nif day :\n\tn=\"$N\""

    assert filled(source, {"DAY": "2025-01-01", "N": -1}) == (
        "#ENVIRONMENT\nday =  '2025-01-01'   # of '$DAY'\nother = [1,2]\nif day :\n\tn=-1"
    )


def test_a_secret_is_a_name() -> None:
    source = """token = "$TOKEN"
headers = {"Authorization": "Bearer $TOKEN {0}", "$TOKEN": len("$TOKEN"), "f": f"{token}$TOKEN"}"""
    made = filled(source, {"TOKEN": Variable("TOKEN")})

    assert made.split("\n")[0] == "token = TOKEN"
    assert "$" not in made
    assert ran(made, TOKEN="s'{}")["headers"] == {"Authorization": "Bearer s'{} {0}", "s'{}": 4, "f": "s'{}s'{}"}  # noqa: S106


def test_statements_of_ipython_are_left_to_it() -> None:
    source = '  #ENVIRONMENT\n  %time x = "é$X"; y = "$X"\n  !echo "$X" $PATH\n  %env A="$X"\n  z = "$X"\n  z?'

    assert [each.line for each in found(source)] == [2, 2, 5]
    assert filled(source, {"X": "v"}) == (
        "#ENVIRONMENT\n%time x = 'év'; y = 'v'\n!echo \"$X\" $PATH\n%env A=\"$X\"\nz = 'v'\nz?"
    )


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("#ENVIRONMENT\nx = '$X", r"is no Python: unterminated string literal .* in line 2"),
        ("x = 1 +", "is no Python: invalid syntax in line 1"),
        ("\nx = b'a$X'", r'has \$X in bytes in line 2: write "\$X".encode\(\)'),
    ],
)
def test_what_cannot_be_filled_is_told(source: str, told: str) -> None:
    with pytest.raises(PlaceholderError, match=told):
        found(source)


def test_nothing_is_filled_where_another_thing_would_come_of_it() -> None:
    with pytest.raises(PlaceholderError, match="where none can be filled"):
        filled("match 1:\n  case 'a$X': pass", {"X": Variable("x")})


def test_places_and_annotations() -> None:
    assert found("\na: int = '$A'\nb: str = 'x$B'\nc = '''\n$C''' + f'{1}$d'") == [
        Placeholder("A", 2, "int"),
        Placeholder("B", 3),
        Placeholder("C", 4),
        Placeholder("d", 5),
    ]


TALK = (
    "import json",
    '#Environment\nasset_id = "$ASSET_ID"\nfrom_day = "$FROM_DAY"\ntoken = "$TOKEN"',
    '#NoExecute\nasset_id = "local"\nfrom_day = "$NOBODY"',
)


def signature(*sources: str, **metadata: Any) -> Signature:
    return parameters.of(content(notebook(*map(code, sources), **metadata)))


def both(declared: str, source: str, *, before: bool = True) -> Signature:
    """What a notebook takes that has a cell of parameters and one of #ENVIRONMENT."""
    cells = [code(declared, tags=("parameters",)), code(f"#ENVIRONMENT\n{source}")]
    return parameters.of(content(notebook(*(cells if before else reversed(cells)))))


def test_placeholders_are_parameters_that_have_to_be_given() -> None:
    talk = signature(*TALK)

    assert [*talk.parameters] == ["asset_id", "from_day", "token"]
    assert talk.warnings == ()
    assert talk.typed({"FROM_DAY": Text("2025-01-01"), "asset_id": Text("007")}, ["TOKEN"]) == {
        "from_day": "2025-01-01",
        "asset_id": "007",
    }
    with pytest.raises(UsageError, match=r"needs from_day \(a text: \$FROM_DAY in line 3 of cell 1\), token \(a text"):
        talk.typed({"asset_id": "x"})
    with pytest.raises(UsageError, match="takes no parameter form_day: did you mean from_day"):
        talk.typed({"form_day": "x"})
    with pytest.raises(UsageError, match="`--secret TOKEN`, or say `--allow token`"):
        talk.typed({"TOKEN": "x"})
    assert "token" in talk.typed({"TOKEN": "x", "asset_id": "", "from_day": ""}, allow=["TOKEN"])
    with pytest.raises(UsageError, match="given twice"):
        talk.typed({"TOKEN": "x"}, ["token"])
    with pytest.raises(UsageError, match="given twice"):
        talk.typed({"from_day": "x", "FROM_DAY": "y"})


def test_a_value_has_the_type_that_it_came_with_unless_one_is_asked_for() -> None:
    given_ = {"n": 5, "b": True, "day": dt.date(2025, 1, 1), "none": None, "many": [1, "a"], "text": Text("5")}
    names = "\n".join(f"{name} = '${name.upper()}'" for name in given_)

    assert signature(f"#ENVIRONMENT\n{names}").typed(given_) == given_
    typed = signature("#ENVIRONMENT\nn: int = '$N'\nm: float = '$M'")
    assert typed.typed({"n": Text("5"), "m": Text("5")}) == {"n": 5, "m": 5.0}
    with pytest.raises(UsageError, match="takes an integer"):
        typed.typed({"n": Text("many"), "m": 1})


def test_a_name_may_be_a_word_of_python_but_not_for_a_secret() -> None:
    asks = signature("#ENVIRONMENT\nfirst, last = '$FROM', '$to'")

    assert asks.typed({"from": "a", "to": "b"}) == {"from": "a", "to": "b"}
    with pytest.raises(UsageError, match="'from' cannot be the name"):
        asks.typed({"to": "b"}, ["from"])


def test_a_cell_of_parameters_says_type_and_default() -> None:
    found_ = both("from_day = '2025-01-01'\nn = 10", "from_day = '$FROM_DAY'\nother = '$OTHER'")

    assert found_.defaults == {"from_day": "2025-01-01", "n": 10}
    assert found_.typed({"FROM_DAY": "x", "n": Text("20"), "other": "y"}) == {"from_day": "x", "n": 20, "other": "y"}
    assert [name for name, each in found_.parameters.items() if each.injected] == ["from_day", "n"]


def test_a_cell_may_be_of_both_kinds() -> None:
    cell = code("#ENVIRONMENT\nday = '$DAY'\nn = 10", tags=("parameters",))
    found_ = parameters.of(content(notebook(code("m = 1", tags=("parameters",)), cell)))

    assert found_.late == {"n": 1}
    assert [*found_.parameters] == ["m", "day"]
    with pytest.raises(UsageError, match="needs day"):
        found_.typed({})


def test_a_notebook_with_such_a_cell_takes_no_other_name() -> None:
    with pytest.raises(UsageError, match=r"takes no parameter x: there are none\."):
        signature("#ENVIRONMENT\nimport os").typed({"x": 1})


def test_only_python_is_filled() -> None:
    other = signature("#ENVIRONMENT\nx <- '$X", kernelspec={"name": "ir", "language": "R"})

    assert other.parameters == {}
    assert other.open
    assert other.warnings[0].startswith("Cell 0 begins with `#ENVIRONMENT` and is left as it is")


def test_a_cell_that_cannot_be_parsed_is_told_before_anything_runs() -> None:
    with pytest.raises(ScrapdbError, match=r"^Cell 1 begins with `#ENVIRONMENT` and is no Python: .* in line 2\.$"):
        signature("1", "#ENVIRONMENT\nx = '$X")
