"""Records: what the rest of trayd relies on when it compares two views or two messages."""

import pytest

from trayd.core.value import Value, replace


class Point(Value):
    x: int
    y: int = 0


class Other(Value):
    x: int
    y: int = 0


class Empty(Value):
    pass


def test_equal_fields_make_equal_values_of_the_same_class_only():
    """Two messages with the same content but another meaning are not the same."""
    assert Point(1) == Point(1, 0) == Point(x=1, y=0)
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert Empty() == Empty()
    assert len({Point(1), Point(1), Other(1)}) == 2


def test_a_value_cannot_be_changed():
    """A snapshot that somebody holds stays what it was."""
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 2
    assert replace(point, y=5) == Point(1, 5)
    assert point == Point(1)


@pytest.mark.parametrize(
    "make", [lambda: Point(), lambda: Point(1, 2, 3), lambda: Point(1, x=2), lambda: Point(1, z=2)]
)
def test_a_wrong_construction_is_refused(make):
    """A forgotten or misspelt field is an error where it is made, not later."""
    with pytest.raises(TypeError, match="Point"):
        make()


def test_a_value_can_be_taken_apart_by_match_and_read():
    """The update function matches on values, and a failing test shows what they hold."""
    match Point(3, 4):
        case Point(x, y):
            assert (x, y) == (3, 4)
    assert repr(Point(3, 4)) == "Point(x=3, y=4)"
