"""Classes of frozen values that cost nothing to define.

`dataclasses` and `NamedTuple` write and compile code for every class anew, which took a third of the time in which
`scrapdb query` answers. These are compiled once; type checkers see dataclasses.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from typing import ClassVar
from typing import dataclass_transform


class _Beside:
    def __init__(self, default: Any) -> None:
        self.default = default


def beside(*, default: Any, kw_only: bool) -> Any:
    """Declare an attribute that says something about a value and is no part of its equality."""
    del kw_only  # for type checkers
    return _Beside(default)


@dataclass_transform(frozen_default=True, field_specifiers=(beside,))
class Frozen:
    """A value made of its annotated attributes. `fields` names them, without those beside."""

    fields: ClassVar[tuple[str, ...]] = ()
    _beside: ClassVar[frozenset[str]] = frozenset()
    _optional: ClassVar[frozenset[str]] = frozenset()
    _key: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        for name, type_ in cls.__annotations__.items():
            default = vars(cls).get(name)
            if isinstance(default, _Beside):
                cls._beside |= {name}
                setattr(cls, name, default.default)
            elif not type_.startswith("ClassVar"):
                cls.fields = (*cls.fields, name)
                cls._optional |= {name} & vars(cls).keys()
        if cls.fields:
            cls._key = property(attrgetter(*cls.fields))  # in C, since leaves and fields are keys

    def __init__(self, *values: Any, **named: Any) -> None:
        if len(values) != len(self.fields) or not named.keys() <= self._beside:
            self._check(values, named)
        self.__dict__.update(zip(self.fields, values, strict=False), **named)

    def _check(self, values: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Raise what Python raises for a wrong call, which nothing else would notice.

        Raises:
            TypeError: a value is missing, is given twice, or is one too many.
        """
        given = [*self.fields[: len(values)], *named]
        missing = set(self.fields) - set(given) - self._optional
        unknown = named.keys() - {*self.fields, *self._beside}
        if missing or unknown or len(values) > len(self.fields) or len(set(given)) < len(given):
            told = f"{len(values)} value{'' if len(values) == 1 else 's'}" + "".join(f", {name}" for name in named)
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.fields) or 'no values'}; it was given {told}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and type(self) is type(other) and self._key == other._key

    def __hash__(self) -> int:
        return hash((type(self), self._key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(getattr(self, name)) for name in self.fields)})"
