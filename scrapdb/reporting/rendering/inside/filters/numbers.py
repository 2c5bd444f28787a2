"""Numbers as a language writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from decimal import Decimal
from decimal import localcontext
from typing import Any

from babel import numbers

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside.filters.values import MISSING
from scrapdb.reporting.rendering.inside.filters.values import is_missing
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View

_MOST_DIGITS = 100
_SIGNIFICANT = 6
_PLAIN = (1e-6, 1e15)  # between which a number is written without a power of ten


def number(environment: View, value: Any, digits: int | None = None) -> str:
    """Write a number: with so many digits after the point, or as many as make six digits with those before it."""
    exact = _exact(value, "number")
    if exact is None:
        return MISSING
    if not exact.is_finite():
        return _infinite(environment, exact)
    if digits is None:
        return _by_itself(environment, exact, is_whole=isinstance(value, int))
    return _decimal(environment, exact, _digits(digits))


def percent(environment: View, value: Any, digits: int = 0) -> str:
    """Write a share as percent: 0.953 is 95 %."""
    exact = _exact(value, "percent")
    if exact is None:
        return MISSING
    if not exact.is_finite():
        return _infinite(environment, exact)
    pattern = _with_digits(environment.language.locale.percent_formats[None], _digits(digits))
    with _precise(exact):
        return str(pattern.apply(exact, environment.language.locale))


def money(environment: View, value: Any, currency: Any) -> str:
    """Write an amount of money in a currency, by its three letters."""
    exact = _exact(value, "money")
    known = numbers.list_currencies()
    if not isinstance(currency, str) or currency.upper() not in known:
        near = suggestion(str(currency).upper(), sorted(known)) if isinstance(currency, str) else ""
        raise TemplateError(f"money: there is no currency {shown(currency)}; write it as EUR. {near}".strip())
    if exact is None:
        return MISSING
    if not exact.is_finite():
        return _infinite(environment, exact)
    with _precise(exact):
        return str(numbers.format_currency(exact, currency.upper(), locale=environment.language.locale))


def filesize(environment: View, value: Any, binary: bool = False) -> str:  # noqa: FBT001, FBT002 - as Jinja's
    """Write a number of bytes."""
    from jinja2.filters import do_filesizeformat

    del environment
    if is_missing(value):
        return MISSING
    if not is_number(value):
        raise TemplateError(f"filesize: {shown(value)} is not a number.")
    return do_filesizeformat(value, binary)


def _exact(value: Any, name: str) -> Decimal | None:
    """Return a number as it is written; None if it is missing.

    Raises:
        TemplateError: it is none.
    """
    if is_missing(value):
        return None
    if not is_number(value):
        raise TemplateError(f"{name}: {shown(value)} is not a number.")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _digits(digits: Any) -> int:
    if not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= _MOST_DIGITS:
        raise TemplateError(f"{shown(digits)} is no number of digits; it is between 0 and {_MOST_DIGITS}.")
    return digits


def _precise(exact: Decimal) -> Any:
    """Let no digit of a large number be lost."""
    return localcontext(prec=max(28, abs(exact.adjusted()) + _MOST_DIGITS + 28), Emax=10**6, Emin=-(10**6))


def _decimal(environment: View, exact: Decimal, digits: int) -> str:
    locale = environment.language.locale
    pattern = _with_digits(locale.decimal_formats[None], digits)
    with _precise(exact):
        return str(pattern.apply(exact, locale))


def _with_digits(pattern: numbers.NumberPattern, digits: int) -> numbers.NumberPattern:
    """Return a pattern with so many digits after the point; Babel's own serves whoever asks for it next."""
    own = copy(pattern)
    own.frac_prec = (digits, digits)
    return own


def _by_itself(environment: View, exact: Decimal, *, is_whole: bool) -> str:
    if is_whole:
        return _decimal(environment, exact, 0)
    if exact and not _PLAIN[0] <= abs(exact) < _PLAIN[1]:
        locale = environment.language.locale
        return str(numbers.format_scientific(_rounded(exact), format="0.#####E0", locale=locale))
    places = max(0, _SIGNIFICANT - 1 - exact.adjusted())
    rounded = round(exact, places).normalize()
    return _decimal(environment, rounded, max(0, -int(rounded.as_tuple().exponent)))


def common_digits(values: Sequence[Any]) -> int | None:
    """Return how many digits after the point numbers below each other have; None if each is better by itself."""
    exact = [Decimal(repr(value)) if isinstance(value, float) else Decimal(value) for value in values]
    there = [each for each in exact if each.is_finite() and each]
    if not there or not all(_PLAIN[0] <= abs(each) < _PLAIN[1] for each in there):
        return None
    most = max(0, _SIGNIFICANT - 1 - max(each.adjusted() for each in there))
    return max(max(0, -int(round(each, most).normalize().as_tuple().exponent)) for each in there)


def _rounded(exact: Decimal) -> Decimal:
    return Decimal(f"{exact:.{_SIGNIFICANT - 1}e}")


def _infinite(environment: View, exact: Decimal) -> str:
    symbols = environment.language.locale.number_symbols.get("latn", {})
    return f"{symbols.get('minusSign', '-') if exact < 0 else ''}{symbols.get('infinity', '∞')}"


def finite(value: Any) -> float | None:
    """Return a number that can be drawn, or None."""
    return float(value) if is_number(value) and math.isfinite(value) else None
