"""Random expressions as text, of all forms that the language has."""

from __future__ import annotations

from hypothesis import strategies as st

_names = st.sampled_from(
    [
        *("x", "größe", "`odd name/with.dots`", "`tick``s`", "`in`", "`nb`", "scrap.x", "param.`a b`", "nb.status"),
        *("dj.a", "dj.list[0]", 'dj["odd ""key"][-1]', "`a`.b.c", "scrap.in", "scrap.like.b"),
    ],
)
_constants = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["true", "FALSE", "1e999", ".5", "'it''s'", '"a ""b"""', r"'\d'", "''"]),
)
_values = st.recursive(
    _names | _constants,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-{}".format),
        inner.map("abs({})".format),
        st.tuples(inner, inner).map(lambda pair: f"coalesce({pair[0]}, {pair[1]})"),
    ),
    max_leaves=5,
)
_relations = st.sampled_from(["=", "==", "!=", "<>", "<", "<=", ">", ">="])
_words = st.sampled_from(["like", "not like", "contains", "NOT contains", "~", "!~"])
_leaves = st.one_of(
    _names,
    st.tuples(_values, _relations, _values).map(" ".join),
    st.tuples(_values, _relations, _values, _relations, _values).map(" ".join),
    st.tuples(_values, _words, _values).map(" ".join),
    st.tuples(_values, st.sampled_from(["in", "not in"]), st.lists(_values, min_size=1, max_size=3)).map(
        lambda found: f"{found[0]} {found[1]} ({', '.join(found[2])})",
    ),
    st.tuples(_values, st.sampled_from(["between", "not between"]), _values, _values).map(
        lambda found: f"{found[0]} {found[1]} {found[2]} and {found[3]}",
    ),
    st.tuples(_values, st.sampled_from(["is null", "is not null"])).map(" ".join),
)
texts = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "&", "||", "AND"]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("not {}".format),
        inner.map("!({})".format),
    ),
    max_leaves=8,
)
