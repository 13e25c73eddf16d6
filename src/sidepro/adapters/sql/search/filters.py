"""The filters of the board. Each filter is one class with its SQL, its meaning in Python, and the
number of rows that its index returns.

A new filter is a class here and a line in `filters_of`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal, select

from sidepro.adapters.sql.engine.dialect import contains
from sidepro.adapters.sql.schema.tables import project_search, project_skills, projects
from sidepro.adapters.sql.search.ngrams import MAX_NGRAM, HasNgrams, NgramArray, query_ngrams
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery, Sort

Condition = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Maps the column of a project's id to the condition that the project matches."""


@dataclass(frozen=True, slots=True, eq=False)
class FilterSql:
    """A filter in SQL, for all its values. Each combination of filters is compiled once."""

    condition: Condition

    needs_projects: bool = False
    """The condition reads columns of `projects`."""

    index: Select[Any] | None = None
    """The ids of the projects that the filter's index returns, as `project_id`."""

    is_exact: bool = True
    """The index returns no project that the condition excludes."""

    index_keys: Mapping[Sort, ColumnElement[Any]] = field(default_factory=dict)
    """Sort keys that are also in the index's table."""

    counts_by_index: bool = False
    """To count, `project_id IN (index)` is faster than the condition."""

    is_narrow: bool = False
    """Few projects match: a scan of an index that begins with the filter finds them."""


class Candidate(NamedTuple):
    """The fields of a project that filters check in Python. Skills are catalogue ids."""

    search_text: str
    skills: frozenset[int]
    author_id: UserId


class BoardFilter(ABC):
    """A filter with its values."""

    __slots__ = ()

    @property
    @abstractmethod
    def sql(self) -> FilterSql:
        """The SQL of this kind of filter."""

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """The values for the parameters of `sql`."""

    @abstractmethod
    def matches(self, project: Candidate) -> bool:
        """Whether the project passes: the Python equivalent of `sql`."""

    def index_rows(self, sample: Sequence[Candidate]) -> int:
        """How many rows the filter's index would return for the sample."""
        return sum(map(self.matches, sample))

    def tuned(self, sample: Sequence[Candidate]) -> "BoardFilter":  # noqa: ARG002 - a default
        """The same filter, prepared for the fastest use of its index."""
        return self


def filters_of(query: BoardQuery, skill_ids: Mapping[str, int]) -> tuple[BoardFilter, ...]:
    """The filters of a query, in the order in which SQL checks them."""
    filters: list[BoardFilter] = []
    if query.text is not None:
        filters.append(TextFilter(query.text))
    if query.author is not None:
        filters.append(AuthorFilter(query.author))
    if query.skills:
        skills = tuple(dict.fromkeys(skill_ids[name] for name in query.skills))
        filters.append(SkillsFilter(skills, every=query.all_skills and len(skills) > 1))
    return tuple(filters)


# ------------------------------------------------------------------------------------ text

_WITH_NGRAMS = select(project_search.c.project_id).where(
    HasNgrams(bindparam("ngrams", type_=NgramArray()))
)


def _text_sql(*, is_exact: bool) -> FilterSql:
    return FilterSql(
        condition=lambda _: contains(projects.c.search_text, bindparam("text")),
        needs_projects=True,
        index=_WITH_NGRAMS,
        is_exact=is_exact,
        index_keys={Sort.NEWEST: project_search.c.created_at},
    )


@dataclass(frozen=True, slots=True)
class TextFilter(BoardFilter):
    """A search term, as a substring of the search text."""

    text: str

    LONG = _text_sql(is_exact=False)
    SHORT = _text_sql(is_exact=True)
    """One n-gram is the whole text."""

    @property
    def sql(self) -> FilterSql:
        return self.SHORT if len(self.text) <= MAX_NGRAM else self.LONG

    @property
    def parameters(self) -> dict[str, Any]:
        return {"text": self.text, "ngrams": query_ngrams(self.text)}

    def matches(self, project: Candidate) -> bool:
        return self.text in project.search_text


# ---------------------------------------------------------------------------------- author


@dataclass(frozen=True, slots=True)
class AuthorFilter(BoardFilter):
    """The projects of one person."""

    author_id: UserId

    sql = FilterSql(
        condition=lambda _: projects.c.author_id == bindparam("author"),
        needs_projects=True,
        is_narrow=True,
    )

    @property
    def parameters(self) -> dict[str, Any]:
        return {"author": self.author_id}

    def matches(self, project: Candidate) -> bool:
        return self.author_id == project.author_id


# ---------------------------------------------------------------------------------- skills

_IS_LISTED = project_skills.c.skill_id.in_(bindparam("skills", expanding=True))
_SKILL_COUNT = bindparam("skill_count", type_=Integer)


def _matching_skills(project_id: ColumnElement[Any]) -> ColumnElement[int]:
    """How many of the listed skills a project has.

    A number instead of EXISTS: PostgreSQL would turn EXISTS into a join in an order of its own,
    which cannot end early at a full page.
    """
    count = select(func.count()).where(project_skills.c.project_id == project_id, _IS_LISTED)
    return count.correlate(project_id.table).scalar_subquery()


_RAREST = project_skills.alias("rarest")
_WITH_EVERY_SKILL = select(_RAREST.c.project_id).where(
    _RAREST.c.skill_id == bindparam("rarest"),
    _matching_skills(_RAREST.c.project_id) >= _SKILL_COUNT,
)


@dataclass(frozen=True, slots=True)
class SkillsFilter(BoardFilter):
    """Projects with any of some skills, or with `every` one, by catalogue ids. With `every`, the
    index looks up the first skill.
    """

    skills: tuple[int, ...]
    every: bool

    ANY = FilterSql(
        condition=lambda project_id: _matching_skills(project_id) >= literal(1),
        index=select(project_skills.c.project_id).where(_IS_LISTED).distinct(),
        counts_by_index=True,
    )
    EVERY = FilterSql(
        condition=lambda project_id: _matching_skills(project_id) >= _SKILL_COUNT,
        index=_WITH_EVERY_SKILL,
        counts_by_index=True,
    )

    @property
    def sql(self) -> FilterSql:
        return self.EVERY if self.every else self.ANY

    @property
    def parameters(self) -> dict[str, Any]:
        skills = list(self.skills)
        return {"skills": skills, "rarest": skills[0], "skill_count": len(skills)}

    def matches(self, project: Candidate) -> bool:
        matching = project.skills.intersection(self.skills)
        return len(matching) >= (len(self.skills) if self.every else 1)

    def index_rows(self, sample: Sequence[Candidate]) -> int:
        frequency = self._frequency(sample)
        return min(frequency) if self.every else sum(frequency)

    def tuned(self, sample: Sequence[Candidate]) -> BoardFilter:
        by_frequency = sorted(zip(self._frequency(sample), self.skills, strict=True))
        return SkillsFilter(tuple(skill for _, skill in by_frequency), self.every)

    def _frequency(self, sample: Sequence[Candidate]) -> list[int]:
        return [sum(skill in project.skills for project in sample) for skill in self.skills]
