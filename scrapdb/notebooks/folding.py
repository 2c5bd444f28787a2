"""What Python itself makes of constants before it runs anything: `60 * 60`, `"a" "b"`, `[-1, 2 ** 10]`. Pure.

As in CPython, what would take long or be large is left alone: `9 ** 9 ** 9`. A source of the limits: Python/ast_opt.c.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_CONSTANTS = (int, float, complex, str, bytes, tuple)
_MOST_BITS, _MOST_ITEMS, _MOST_CHARACTERS = 128, 256, 4096
_MOST_DIGITS = 14_000  # bits of an integer; Python writes 4,300 digits
_MOST_WRITTEN = 1_000_000  # characters and items in all
_LONGEST_NAMED = 100  # characters of a text for which a name stands


class UnknownError(Exception):
    """The value is not known before something runs."""


class Folding:
    """Calculates values, in which names can stand, until it has written as much as a large cell.

    Args:
        names: gives what a name stands for, or raises UnknownError. Where that is large, so is what stands for the name
            in few characters.
    """

    def __init__(self, names: Callable[[str], Any]) -> None:
        self._names = names
        self._room = _MOST_WRITTEN

    def folded(self, node: ast.expr) -> Any:
        """Calculate a value.

        Raises:
            UnknownError: Python does not calculate it before it runs.
            ValueError: an integer has more digits than Python writes.
        """
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.List):
            return [self.folded(item) for item in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple([self.folded(item) for item in node.elts])
        if isinstance(node, ast.Dict):
            return self._dict(node)
        if isinstance(node, ast.BinOp):
            return self.computed(node.op, self.folded(node.left), self.folded(node.right))
        if isinstance(node, ast.UnaryOp):
            return _signed(node.op, self.folded(node.operand))
        if isinstance(node, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in node.values):
            return "".join([self.folded(part) for part in node.values])
        raise UnknownError

    def computed(self, sign: ast.operator, left: Any, right: Any) -> Any:
        """Calculate what a sign makes of two constants.

        Raises:
            UnknownError: it cannot be calculated, or is too large.
        """
        if not (isinstance(left, _CONSTANTS) and isinstance(right, _CONSTANTS) and _is_small(sign, left, right)):
            raise UnknownError
        try:
            result = _BINARY[type(sign)](left, right)
        except (LookupError, ArithmeticError, TypeError, ValueError):
            raise UnknownError from None
        self._room -= len(result) if isinstance(result, str | bytes | tuple) else 0
        if self._room < 0 or (isinstance(result, int) and result.bit_length() > _MOST_DIGITS):
            raise UnknownError
        return result

    def _named(self, name: str) -> Any:
        value = self._names(name)
        if isinstance(value, str) and len(value) <= _LONGEST_NAMED:
            return value
        if isinstance(value, int | float) or value is None:
            return value
        raise UnknownError

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        made = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:  # **others
                raise UnknownError
            try:
                made[self.folded(key)] = self.folded(item)
            except TypeError:
                raise UnknownError from None
        return made


def extend(value: Any, sign: ast.operator, by: Any) -> None:
    """Do to a list what `+=` does, and to a dict what `|=` does.

    Raises:
        UnknownError: it is neither.
    """
    if isinstance(value, list) and isinstance(sign, ast.Add) and isinstance(by, list | tuple):
        value.extend(by)
    elif isinstance(value, dict) and isinstance(sign, ast.BitOr) and isinstance(by, dict):
        value.update(by)
    else:
        raise UnknownError


def is_open(value: Any) -> bool:
    """Return whether a value can be changed by who has it: a list or dict, or one in a tuple."""
    return isinstance(value, list | dict) or (isinstance(value, tuple) and any(map(is_open, value)))


def _constant(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > _MOST_DIGITS:
        raise ValueError("an integer has more than 4,200 digits")
    return value


def _signed(sign: ast.unaryop, value: Any) -> Any:
    try:
        if isinstance(value, _CONSTANTS) or value is None:
            return _UNARY[type(sign)](value)
    except TypeError:
        pass
    raise UnknownError


def _is_small(sign: ast.operator, left: Any, right: Any) -> bool:
    """Return whether CPython calculates this when it compiles."""
    if isinstance(sign, ast.Mod):
        return not isinstance(left, str | bytes)
    if isinstance(sign, ast.Mult) and not isinstance(right, int):
        left, right = right, left
    if not isinstance(right, int):
        return True
    if isinstance(sign, ast.Mult) and isinstance(left, str | bytes | tuple):
        if isinstance(left, tuple):
            return len(left) * right <= _MOST_ITEMS and not any(isinstance(item, tuple) for item in left)
        return len(left) * right <= _MOST_CHARACTERS
    if not isinstance(left, int):
        return True
    bits = left.bit_length()
    if isinstance(sign, ast.Mult):
        return bits + right.bit_length() <= _MOST_BITS
    if isinstance(sign, ast.LShift):
        return bits + right <= _MOST_BITS
    return not (isinstance(sign, ast.Pow) and right > 0 and bits > _MOST_BITS // right)
