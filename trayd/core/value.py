"""`Value`: frozen, comparable records, as cheap to define as a plain class.

`dataclass(frozen=True, slots=True)` writes and compiles code for every class: 0.46 ms each and 12 ms for the module,
measured; trayd's sixty would delay the icon by 40 ms and every `trayd env` by half of that. attrs does the same,
msgspec takes 40 ms to import. This does no more than is needed, and type checkers read it as a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T", bound="Value")


class _Record(type):
    """Turns a class's annotated names into slots, in order, and their values into defaults.

    Fields that are named in `apart` do not count when two values are compared.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], apart: tuple[str, ...] = ()
    ) -> _Record:
        fields = tuple(namespace.get("__annotations__", ()))
        compared = [field for field in fields if field not in apart]
        namespace["_defaults"] = {field: namespace.pop(field) for field in fields if field in namespace}
        namespace["__slots__"] = fields
        namespace["__match_args__"] = fields
        namespace["_content"] = staticmethod(attrgetter(*compared) if compared else lambda _: ())
        made = super().__new__(mcs, name, bases, namespace)
        made._setters = {field: made.__dict__[field].__set__ for field in fields}  # type: ignore[attr-defined]
        return made

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], apart: tuple[str, ...] = ()
    ) -> None:
        super().__init__(name, bases, namespace)


@dataclass_transform(frozen_default=True)
class Value(metaclass=_Record):
    """A frozen record: its annotated names are its fields, two of the same class with equal fields are equal."""

    if TYPE_CHECKING:
        __match_args__: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, Any]]
        _content: ClassVar[Callable[[object], object]]
        _setters: ClassVar[dict[str, Callable[[object, object], None]]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields, defaults = self.__match_args__, type(self)._defaults
        if len(args) > len(fields) or not kwargs.keys() <= set(fields[len(args) :]):
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields) or 'no values'}, got {args} {kwargs}")
        put = type(self)._setters
        for field, value in zip(fields, args, strict=False):
            put[field](self, value)
        for field in fields[len(args) :]:
            if field in kwargs:
                put[field](self, kwargs[field])
            elif field in defaults:
                put[field](self, defaults[field])
            else:
                raise TypeError(f"{type(self).__name__} needs a value for {field}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return type(self)._content(self) == type(self)._content(other)

    def __hash__(self) -> int:
        return hash((type(self), type(self)._content(self)))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.__match_args__)
        return f"{type(self).__name__}({fields})"


def replace(value: T, **changes: Any) -> T:
    """Return a copy of a value with some fields changed."""
    kind = type(value)
    new = object.__new__(kind)  # not through __init__: an engine that answers as before is ten of these, 5 µs each
    for field, put in kind._setters.items():
        put(new, changes.pop(field) if field in changes else getattr(value, field))
    if changes:
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes)}")
    return new
