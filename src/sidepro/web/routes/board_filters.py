"""The filters of the board in the address of its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from litestar.datastructures import MultiDict

from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery, Sort
from sidepro.domain.violations import FieldCode, Violation, wrong_length

MAX_SKILLS = 20
"""A filter with more skills is refused."""

MATCHES = ("any", "all")

_NOT_A_CHOICE = Violation(FieldCode.NOT_A_CHOICE, "is not one of the choices")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters and the order as they were asked for. Empty ones leave nothing out."""

    q: str = ""
    skills: tuple[str, ...] = ()
    match: str = "any"
    author: str = ""
    sort: str = Sort.NEWEST

    @classmethod
    def of(cls, parameters: MultiDict[str]) -> "Filters":
        """The filters of an address. Of a repeated parameter the last one counts."""

        def last(name: str, default: str = "") -> str:
            return parameters.getall(name, [default])[-1] or default

        return cls(
            last("q").strip(),
            tuple(dict.fromkeys(parameters.getall("skill", []))),
            last("match", "any"),
            last("author"),
            last("sort", Sort.NEWEST),
        )

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return bool(self.q or self.skills or self.author)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of an address with these filters."""
        return {
            "q": self.q or None,
            "skill": self.skills,
            "match": self.match if self.match != "any" and len(self.skills) > 1 else None,
            "author": self.author or None,
            "sort": self.sort if self.sort != Sort.NEWEST else None,
        }

    def but(self, **changes: object) -> Mapping[str, Any]:
        """The parameters of an address with other filters."""
        return replace(self, **changes).parameters  # type: ignore[arg-type]  # templates call it

    def without(self, skill: str) -> Mapping[str, Any]:
        """The parameters of an address without this skill."""
        return self.but(skills=tuple(each for each in self.skills if each != skill))

    def hidden(self, *names: str) -> Sequence[tuple[str, str]]:
        """The hidden fields of a form that sets the filters with these names itself."""
        return [
            (name, text)
            for name, value in self.parameters.items()
            if name not in names
            for text in ((value,) if isinstance(value, str) else value or ())
        ]

    def query(self) -> BoardQuery:
        """The filters as a query, not normalized.

        Raises:
            InvalidInput: a value has another form.
        """
        errors: list[FieldError] = []
        author = None
        if too_many := wrong_length(len(self.skills), 0, MAX_SKILLS, "items"):
            errors.append(FieldError(too_many, parameter="skill"))
        if self.match not in MATCHES:
            errors.append(FieldError(_NOT_A_CHOICE, parameter="match"))
        if self.sort not in tuple(Sort):
            errors.append(FieldError(_NOT_A_CHOICE, parameter="sort"))
        try:
            if self.author:
                author = UserId(UUID(self.author))
        except ValueError:
            errors.append(FieldError(_NOT_A_CHOICE, parameter="author"))
        if errors:
            raise InvalidInput(*errors)
        return BoardQuery(
            text=self.q or None,
            skills=self.skills,
            all_skills=self.match == "all",
            author=author,
            sort=Sort(self.sort),
        )
