"""Texts of the pages of administrators."""

from dataclasses import dataclass

from sidepro.web.texts import Plural, Text


@dataclass(frozen=True, slots=True)
class OperatorTexts:
    title: str
    overview: str
    parts: dict[str, str]
    """The names of the pages, by the last part of their address."""
    nothing_to_do: str
    nothing_to_do_hint: str
    to_do: str
    open_cases: Plural
    part_fails: Text
    """A component and its state: `part`, `state`."""
    job_overdue: Text
    search_people: str
    search_people_hint: str
    search: str
    text: str
    author: str
    author_hint: str
    none_found: str
    none_found_hint: str
    show_all: str
    joined: Text
    """When a person signed up: `date`."""
    state: str
    deactivated: str
    administrator: str
    you: str
    deactivate: str
    activate: str
    remove: str
    remove_of: Text
    """The full name of a button of a list: `action`, `name`."""
    deactivate_title: Text
    deactivate_hint: str
    remove_project_title: str
    remove_project_hint: str
    remove_comment_title: str
    remove_comment_hint: str
    what_goes: str
    on_project: Text
    published: str
    bookmarks: Plural
    comment_count: Plural
    project_count: Plural
    reason: str
    reason_hint: str
    password: str
    password_hint: str
    cancel: str
    counters_hint: str
    counters_right: str
    counters_right_hint: str
    counters_wrong: Plural
    check_again: str
    repair: str
    repair_hint: str
    project: str
    counter: str
    stored: str
    counted: str
    missing: str
    bookmarks_counter: str
    comments_counter: str
    bookmarks_of_day: Text
    first_only: Text
    job: str
    last_run: str
    seconds: Text
    """How long a run took: `seconds`."""
    result: str
    jobs: dict[str, str]
    """The names of the jobs."""
    job_hints: dict[str, str]
    job_results: dict[str, Plural]
    """What a run did: `count`."""
    on_time: str
    overdue: str
    not_yet: str
    run_now: str
    run_now_hint: str
    health_parts: dict[str, str]
    health_states: dict[str, str]
    health_hints: dict[str, str]
    """What a state of the platform means."""
    health_troubles: dict[str, str]
    """What does not work of a component."""
    clock_behind: Text
    """This server's clock, compared with that of a component: `part`, `seconds`."""
    clock_ahead: Text
    health_reason: Text
    """Where the reason is: `line`, a name in the log."""
    component: str
    latency: str
