"""Classes of frozen values that cost nothing to define.

`dataclasses` writes and compiles the methods of every class anew, which took a third of the time in which
`scrapdb query` answers. These are compiled once; type checkers see dataclasses.
"""

from __future__ import annotations

from typing import Any
from typing import ClassVar
from typing import NamedTuple
from typing import dataclass_transform


class _Beside(NamedTuple):
    default: Any


def beside(*, default: Any, kw_only: bool) -> Any:
    """Declare an attribute that says something about a value and is no part of its equality."""
    del kw_only  # for type checkers
    return _Beside(default)


@dataclass_transform(frozen_default=True, field_specifiers=(beside,))
class Frozen:
    """A value made of its annotated attributes. `fields` names them, without those beside."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        for name, type_ in cls.__annotations__.items():
            default = vars(cls).get(name)
            if isinstance(default, _Beside):
                setattr(cls, name, default.default)
            elif not type_.startswith("ClassVar"):
                cls.fields = (*cls.fields, name)

    def __init__(self, *values: Any, **named: Any) -> None:
        vars(self).update(zip(self.fields, values, strict=False), **named)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and type(self) is type(other) and self._values == other._values

    def __hash__(self) -> int:
        return hash((type(self), self._values))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values))})"

    @property
    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.fields])
