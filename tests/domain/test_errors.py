"""The error tree: its docstring shows exactly the existing classes."""

import re
from collections.abc import Iterator

import pytest

from sidepro.domain import errors
from sidepro.domain.errors import Conflict, FieldError, InvalidInput, SideProError
from sidepro.domain.violations import FieldCode, Violation

# An indented line: branches, a name and, except for groups, a code.
DRAWN = re.compile(r"^ {4}([│├└─ ]*)([A-Z]\w+)(?: +([a-z-]+))?", re.MULTILINE)


def said(detail: str) -> Violation:
    return Violation(FieldCode.NOT_VALID, detail)


def tree() -> dict[str, tuple[str | None, str | None]]:
    """The name, parent and code of each error in the docstring."""
    path: list[str] = []
    found: dict[str, tuple[str | None, str | None]] = {}
    for drawn in DRAWN.finditer(errors.__doc__ or ""):
        branches, name, code = drawn.groups()
        depth = len(branches) // 4
        path[depth:] = [name]
        found[name] = (path[depth - 1] if depth else None, code)
    return found


def below(kind: type[SideProError]) -> Iterator[type[SideProError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


ALL = list(below(SideProError))
RAISED = [kind for kind in ALL if kind is not Conflict]


def test_every_error_of_the_module_is_in_the_tree() -> None:
    classes = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    raised = {kind for kind in classes if issubclass(kind, BaseException)}
    assert raised == {SideProError, *ALL}


def test_the_docstring_draws_the_tree() -> None:
    parents = {name: parent for name, (parent, _) in tree().items()}
    assert parents == {
        "SideProError": None,
        **{kind.__name__: kind.__base__ and kind.__base__.__name__ for kind in ALL},
    }


def test_the_codes_are_those_of_the_docstring() -> None:
    codes = {name: code for name, (_, code) in tree().items() if code}
    assert codes == {kind.__name__: kind.code for kind in RAISED}


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_has_its_own_code(kind: type[SideProError]) -> None:
    assert "code" in vars(kind)
    assert [other for other in ALL if other.code == kind.code] == [kind]


@pytest.mark.parametrize("kind", [SideProError, *ALL])
def test_every_error_has_a_default_sentence(kind: type[SideProError]) -> None:
    assert kind().detail.endswith(".")
    assert str(kind()) == kind().detail


def test_the_detail_can_be_replaced() -> None:
    assert SideProError("Said otherwise.").detail == "Said otherwise."
    assert SideProError().detail != "Said otherwise."


def test_a_single_field_error_becomes_the_detail() -> None:
    one, other = (
        FieldError(said("must not be blank"), pointer="/title"),
        FieldError(said("is another")),
    )
    assert InvalidInput(one).detail == "title must not be blank"
    assert InvalidInput(one, other).detail == InvalidInput().detail
    assert InvalidInput(one, other).errors == (one, other)
    assert InvalidInput(one, detail="Said otherwise.").detail == "Said otherwise."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FieldError(said("is blank"), pointer="/title"), "title is blank"),
        (FieldError(said("is given twice"), pointer="/skills/3"), "skills/3 is given twice"),
        (FieldError(said("is blank"), parameter="q"), "q is blank"),
        (FieldError(said("is no object")), "This is no object"),
        (FieldError(said("is no object"), pointer=""), "This is no object"),
    ],
)
def test_the_sentence_of_a_field_error(error: FieldError, sentence: str) -> None:
    assert error.sentence == sentence
