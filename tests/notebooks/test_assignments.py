"""Python itself, which runs cells that are made here, says what their names stand for in the end."""

from __future__ import annotations

import copy
import dis
import itertools
import json
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.facts import Expression
from tests.notebook_builder import code
from tests.notebook_builder import facts_of

MOST_STEPS = 10_000
STATEMENTS = [
    "a = 1", "a = 'x'", "a = [1]", "a = {'k': 1}", "a = 60 * 60", "a = b", "a = [b, 1]", "a = {'k': b}", "a = b, c",
    "a, b = b, a", "a = b = []", "a = b = 5", "a, *b = 1, 2, 3", "*a, b = 1, 2, 3", "(a, b), c = (1, 2), 3",
    "a += 1", "a += b", "a += [2]", "a *= 2", "a |= {'z': 1}", "a -= b", "a['k'] = 2", "a['k'] = b", "a[0] = 7",
    "a[0] = b", "a['k'] += 1", "a['k']['k'] = 3", "a[0][0] = 3", "a[0]['k'] = b", "del a", "del a['k']", "del a[0]",
    "a.append(2)", "a.update(z=1)", "a.get('k')", "a.clear()", "a['k'].append(2)", "b = a['k']", "b = a[0]", "b = a[:]",
    "for a in [1, 2]: pass", "for row in a: row['z'] = 1", "for row in b: row.append(4)", "for i in range(2): a = i",
    "with opened() as a: pass", "if True: a = 2", "while False: a = 3", "try:\n    a = 4\nexcept ValueError as b: pass",
    "import json as a", "import os.path as b", "from json import dumps as a", "def a(): pass", "class a: pass",
    "class C: a = 5", "class D: a['z'] = 5", "def f():\n    global a\n    a = 9", "f()", "def g(): a.append(3)", "g()",
    "def h(a): a = 1", "h(a)", "add = lambda: a.append(5)", "add()", "change(a)", "change(b)", "change([a])",
    "change(x=a)", "change(a['k'])", "print(a)", "len(a)", "sorted(a)", "json.dumps(a)", "(a := 5)", "print(a := 6)",
    "[a for a in range(3)]", "[(a := i) for i in range(3)]", "[row.append(1) for row in a]", "b = a if a else c",
    "b = a or c", "b = [*a]",
    "b = list(a)", "b = a.copy()", "b = a.get('k')", "b = [*a.values()]",
    "class E:\n    def m(self): a.append(6)", "E().m()", "b = dict(k=a)",
    "b.append(a)", "b['k'] = a", "obj.part = a", "change(obj.part)",
    "globals()['a'] = 6", "globals().update(a=8, b=9)", "exec('c = 4')", "a += a", "a = a + a", "a = (a, a)",
    "a = b * 3",
    "match a:\n    case [b, *c]: pass", "match a:\n    case {'k': b, **c}: pass", "match a:\n    case b: pass",
    "a += [b]", "b = [a] + []", "b = sorted([a])", "b = (a or c)", "b = a if c else 0", "b = list(zip(a, a))",
    "b = (row for row in a)", "it = iter(a)\nb = next(it)", "b = max(a, key=str)", "sorted(a, key=change)",
    "print(sorted(a, key=change))", "print([change(row) for row in a[:]])", "any(change(row) for row in a[:])",
    "b = [row for row in a]", "b = [x.append(7) for x in a[:1] for x in [a]]", "[a.append(1) for x in a[:1]]",
    "for row in a[:]: change(row)", "for i, row in enumerate(a): b = row", "for k in a.items(): change(k[1])",
    "late = (a.append(x) for x in range(2))", "list(late)", "d = lambda x=a: x", "change(d())",
    "def k(): return a", "change(k())", "def l():\n    later = lambda a: 1\n    a.append(8)", "l()",
    "class F:\n    a = []\n    def m(self): a.append(6)", "F().m()", "ns = globals()", "ns['a'] = 3", "ns.update(b=4)",
    "def o():\n    def p():\n        global a\n        a = 4\n    p()", "o()", "def q(): b['z'] = 1", "q()",
    "def s(x=[]):\n    x.append(a)\n    return x", "change(s())", "b = a, a", "c = [*b]", "c = {**a}", "c = a | b",
    "m = a.append", "m(5)", "print(m := a)", "len(b := a)", "f'{a.append(4)}'", "f'{(b := a)}'", "a.append(1) or 2",
    "if a.append(1): pass", "while a.pop(): pass", "assert not a.append(3)", "a[b.pop()] = 1", "a[0] += b.pop()",
    "[a[0]][0].append(1)", "(a or b)[0] = 4", "list((a,))[0][0] = 5", "a.copy()[0] = 5", "dict(a)['k'].append(3)",
    "b = c\nc = [4]\nb = a", "a = ((1, 2), [3])", "a[1].append(4)", "b, *c = a", "[b] = a", "for b['k'] in a: pass",
    "with opened() as a['k']: pass", "a[0], b = 1, a", "b = a[0] = [5]", "a = a['k'] = {}", "del b[0]", "c = b[0:1]",
    "from types import *", "b = -a", "a: b", "b: list = a", "e = a\ndel e", "a = float('inf')", "a = [float('-inf')]",
    "list(map(a.append, [1, 2]))", "del (a or b)[0]", "b = list(filter(a.append, [4]))",
    "b = sorted([3], key=a.append)", "a: int = 7", "a: list", "async def a(): pass",
    "b = f'{a}'", "b = len(a)", "b = a == c", "a = not a", "a = -a",
]  # fmt: skip


class Thing:
    """Something with attributes."""


class Opened:
    """A context that gives something."""

    def __enter__(self) -> int:
        return 3

    def __exit__(self, *_: object) -> None:
        pass


def change(*things: Any, **more: Any) -> None:
    """Change what can be changed."""
    for thing in (*things, *more.values()):
        if isinstance(thing, list):
            thing.append("changed")
            change(*thing[:-1])
        if isinstance(thing, dict):
            thing["changed"] = 1


def assigned(*cells: str) -> dict[str, Any]:
    facts = facts_of(*(code(cell, tags=("parameters",)) for cell in cells))
    assert facts.problems == ()
    return {parameter.name: parameter.value for parameter in facts.parameters}


def run(cell: str) -> dict[str, Any] | None:
    """Run a cell made of `STATEMENTS`; None if that fails, or never ends, as a list that is extended by itself."""
    names: dict[str, Any] = {"change": change, "opened": Opened, "obj": Thing(), "json": json, "print": str}
    steps = itertools.count()

    def count(*_: Any) -> Any:
        if next(steps) > MOST_STEPS:
            raise RuntimeError
        return count

    with suppress(Exception):
        sys.settrace(count)
        try:
            exec(compile(cell, "cell", "exec"), names)  # noqa: S102 - written above
        finally:
            sys.settrace(None)
        return names
    return None


def test_what_never_ends_is_not_waited_for() -> None:
    assert run("a = [1]\nb = (row for row in a)\na += b") is None
    assert run("a = [1]\nb = [row for row in a]\na += b") is not None


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(STATEMENTS), min_size=2, max_size=9), st.permutations("abc"))
def test_what_is_given_as_a_value_is_the_value_of_a_run(statements: list[str], order: list[str]) -> None:
    begin = [f"{name} = {value}" for name, value in zip(order, ("[[1]]", "{'k': [1]}", "2"), strict=True)]
    cell = "\n".join([*begin, *statements])
    ran = run(cell)
    if ran is None:
        return
    for name, value in assigned(cell).items():
        if not isinstance(value, Expression):
            assert name in ran, cell
            assert value == json.loads(json.dumps(ran[name])), f"{name} in\n{cell}"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("n = 1\nn += 4", 5),
        ("n = 'a'\nn += 'b'\nn *= 2", "abab"),
        ("n = {}\nn['a'] = 1\nn['b'] = {}\nn['b']['c'] = [1]\nn['b']['c'][0] += 1", {"a": 1, "b": {"c": [2]}}),
        ("n = [1]\nn += [2]\nn += 3,", [1, 2, 3]),
        ("n = {1: 2}\nn |= {3: 4}", {"1": 2, "3": 4}),
        ("m = [1]\nn = m\nm[0] = 2", "m"),
        ("n = [1]\nm = n", "n = [1]\nm = n"),
        ("n = m = [1]", "n = m = [1]"),
        ("n = m = 'x'", "x"),
        ("n = [1]\nfor i in n: print(i, n)\nm = len(n)\nk = n[0]\nxs = [i * 2 for i in n if i > 0]\nif n: pass", [1]),
        ("n = {'a': 1}\nf(**n)\ng(*n.items())\nm = sorted(n)\nprint(f'{n}', n['a'])", {"a": 1}),
        ("n = {'a': {'b': 1}}\nprint(n, n['a']['b'], 'a' in n)\nassert n\nn", {"a": {"b": 1}}),
        ("n = {'a': [1]}\nm = n['a']", "n = {'a': [1]}\nm = n['a']"),
        ("n = [1]\ndef f(n, *args):\n    n.append(1)\n    return args\ndef g():\n    return n[0], len(n)", [1]),
        ("def f(x): n.append(x)\nn = [1]", "def f(x): n.append(x)\nn = [1]"),
        ("n = 1\nm = n\nfrom other import *", "n = 1\nfrom other import *"),
        ("from other import *\nn = 1", 1),
        ("n = 1\nexec('n = 2')", "n = 1\nexec('n = 2')"),
        ("exec('n = 2')\nn = 1\nif 'n' in globals(): print(locals())", 1),
        ("n = -1.5\nm = [-n, -2]", -1.5),
        ("n = []\nlist(map(n.append, [1]))", "n = []\nlist(map(n.append, [1]))"),
        ("n = [1]\ndel (n or m)[0]", "n = [1]\ndel (n or m)[0]"),
        (
            "def f():\n    def g():\n        global n\n        n = 2\n    n = 3\nn = 1",
            "def f():\n    def g():\n        global n\n        n = 2\n    n = 3\nn = 1",
        ),
        ("m = 2\nn = m * 30", 60),
        ("n, m = 1, 2\nn, m = m, n", 2),
        ("n = 1\nprint(n)\ndisplay(n)\nassert n > 0", 1),
        ("n = [1]\nprint(n, len(n))\njson.dumps(n)\nsb.glue('n', n)\nn", [1]),
        ("n = {'a': 1}\nn.get('a'), n.items()", {"a": 1}),
        ("n = 5\nfor i in range(n):\n    x = n + i", 5),
        ("n = 5\ndef f(n):\n    n = 2\n    return n\nlambda n: n", 5),
        ("n = [5]\ndef f():\n    n = []\n    n.append(1)", [5]),
        ("n = 1\n[n for n in range(3)]", 1),
        ("for n in range(3): pass\nn = 4", 4),
        ("n = 2\nclass A:\n    n = 3", 2),
        ("n = {}\nn['a'] = float", "n = {}\nn['a'] = float"),
        ("n = 1\nn += f()", "n = 1\nn += f()"),
        ("n = 1  # one\nif x:\n    n = 2  # two", "n = 1\nif x:\n    n = 2"),
        ("n = 1; m = 2; n += m; n += x", "n = 1\nn += m\nn += x"),
        ("n = f()\nn['a'] = 1", "n = f()\nn['a'] = 1"),
        ("n = f(\n  1,  # one\n)", "f(1)"),
        ("n = f(1) # one", "f(1)"),
        ("n = [1]\nshuffle(n)", "n = [1]\nshuffle(n)"),
        ("n = [1]\nn.append(2)\nn.append(2)", "n = [1]\nn.append(2)\nn.append(2)"),
        ("n = ...", "..."),
        ("n = 'é' + f( )", "'é' + f( )"),
        ("n = b'a'\nn += b'b'", "n = b'a'\nn += b'b'"),
        ("def f():\n    global n\n    n = 2\nn = 1\nf()", "def f():\n    global n\n    n = 2\nn = 1"),
    ],
)
def test_what_later_lines_make_of_a_name(cell: str, expected: Any) -> None:
    found = assigned(cell)["n"]
    assert (found.source if isinstance(found, Expression) else found) == expected


def test_later_cells_go_on() -> None:
    assert assigned("n = 1\nm = [1]", "n += 1", "m.append(n)") == {"n": 2, "m": Expression("m = [1]\nm.append(n)")}


@pytest.mark.parametrize(
    "source",
    [
        "60 * 60", "-1", "+1", "~5", "not 1", "1_000", "2 ** 10", "2 ** -1", "2 ** 0.5", "'a' 'b'", "'-' * 10",
        "'a' + 'b'", "7 // 2", "7 % 3", "1 << 10", "1 << 200", "6 & 3", "6 | 3", "6 ^ 3", "1 / 3", "1 / 0", "9**9**9",
        "10 ** 40", "2 ** 64", "2 ** 100", "'x' * 5000", "'x' * 4096", "'x' * 4097", "(1, 2) + (3,)", "(1,) * 256",
        "(1,) * 257", "'%d' % 5", "10 * 'ab'", "(1 << 60) * (1 << 60)", "(1 << 70) * (1 << 70)", "f'abc'",
        "1 + 2j", "True + 1",
        "x * 60", "60 * x", "len('abc')", "'a' * 2 + 'b'", "-(2 ** 3)", "1 + 1.5", "'a' + 1", "2 ** 9999999999",
        "1 << 9999999999", "'x' * 9999999999", "(-3) ** 41", "1e300 * 1e300",
    ],
)  # fmt: skip
def test_constants_are_those_that_python_compiles(source: str) -> None:
    """Where the compiler has made a constant of it, a value; otherwise its source."""
    instructions = [
        one for one in dis.get_instructions(compile(f"a = {source}", "cell", "exec")) if one.opname != "RESUME"
    ]
    first = instructions[0]
    is_folded = first.opname == "LOAD_CONST" and instructions[1].opname == "STORE_NAME"
    expected: Any = Expression(source)
    with suppress(TypeError, ValueError):
        expected = json.loads(json.dumps(first.argval)) if is_folded else expected
    for around, there in (
        ("{}", lambda value: value),
        ("[{}]", lambda value: [value]),
        ("{{'k': {}}}", lambda value: {"k": value}),
    ):
        found = assigned(f"a = {around.format(source)}")["a"]
        wanted = Expression(around.format(source)) if isinstance(expected, Expression) else there(expected)
        assert (found, type(found)) == (wanted, type(wanted))


def test_a_value_is_not_shared_between_notebooks() -> None:
    first = assigned("a = {'b': [1]}\na['c'] = 2")
    assert copy.deepcopy(first) == assigned("a = {'b': [1]}\na['c'] = 2")


@pytest.mark.parametrize("depth", [90, 95])
def test_deeply_nested_blocks_take_no_time(depth: int) -> None:
    loops = "".join(f"{' ' * level}for x{level} in a:\n" for level in range(depth))
    assert assigned(f"a = [1]\nb = 2\n{loops}{' ' * depth}b = 3")["a"] == [1]
    functions = "".join(f"{' ' * level}def f{level}():\n" for level in range(depth))
    assert assigned(f"a = [1]\n{functions}{' ' * depth}a.append(2)")["a"] == Expression(
        f"a = [1]\n{functions}{' ' * depth}a.append(2)"
    )


LAUGHS = {
    "texts": "a = 'x'\n" + "a += a\n" * 100,
    "names of texts": "a = 'x' * 4000\n" + "".join(f"a{number} = a\n" for number in range(50_000)),
    "many texts": "".join(f"a{number} = 'x' * 4000\n" for number in range(40_000)),
    "tuples": "a = (1,) * 256\n" + "a = (a,) * 256\n" * 9,
    "tuples of tuples": f"a = {'(' * 50}1,{') * 99,' * 50}",
    "names of tuples": "a = 1,\n" + "a = a, a\n" * 100,
    "lists": "a = [1]\n" + "a = [a, a]\n" * 100 + "a += a\n" * 100,
    "numbers": "a = 3\n" + "a *= a\n" * 100 + "b = 1\n" + "b += b\n" * 50_000,
    "one statement of many names": "\n".join(f"a{number} = 1" for number in range(30_000))
    + f"\nfor {', '.join(f'a{number}' for number in range(30_000))} in x: pass",
    "one name of many statements": "a = 1\n" + "a += x\n" * 90_000,
    "a text that grows": "a = ''\n" + "a += 'xxxxxxxx'\n" * 60_000,
}


@pytest.mark.parametrize("cell", LAUGHS.values(), ids=LAUGHS)
def test_few_characters_do_not_become_many(cell: str) -> None:
    facts = facts_of(code(cell, tags=("parameters",)))
    assert facts.parameters
    written = sum(len(f"{parameter.value}") for parameter in facts.parameters)
    assert written < 8_000_000
