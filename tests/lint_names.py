"""Fails on names that the rename to standard terms retired. Remove once they are forgotten.

python -m tests.lint_names           lists what is left and exits with 1 if there is anything
python -m tests.lint_names --count   counts by folder and name

Only identifiers count, not prose. Left out are retired names that are ordinary
words or standard elsewhere: `read`, `show`, `parent`, `listen`, `columns`, `rank`, `between`, …
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "bench", "docs")
NOT_CHECKED = ("src/sidepro/adapters/sql/schema/migrations/",)
"""Migrations are history; their names stay."""

COMPOUND = """
Archive Attempt Attempts AttemptName AlreadyServed AwayNotes besieged ChatFeed CutLink DEARER
EmailSyntax FirmSocketProtocol GentleServer LEFT_ALONE_FOR Lifetimes MayHaveMissed
NumberedCatalogue ProjectEdits Presences ReadMoved RowHeld SeenFrame SessionGate TickRequests Turns
UNUSED_FOR WritingFrame
asked_again_by full_in get_to_remove give_back given_rows hash_of hash_of_good is_live
keep_schedule kept_secret let_access_win move_counters must_exist next_end only_one piles_up_marks
refuse_null render_again search_less_for_garbage stand_ins take_bookmark_off take_out
what_is_wrong when_alone
"""
"""Found in a longer name too: `MemoryAttempts`, `_give_back`. Names of tests are sentences and
may hold them."""

WHOLE = """
Admission Asked Choice Conversation Cursors Door Drift Ended Fault Fetching GOING Jobs KeyInUse
KeyReused LASTS LISTS Line Link Listing NOBODY Notes Parts Platform Prepared Presented Reuse Rules
Run SIBLING STRANGERS Seat Sending Sent Shares Slots Standing TOGETHER UNLUCKY Variant WALK Wanted
Way Ways Within Wish
admit archive backward copying deal dressed fetching fold gate give_up given gone hands hear
held hold instead kept lazily link mend note notes numbered page_of patience peek say shapes tend
turn turns walk wanted wire
"""
"""Found only when nothing but underscores is around them."""

EXEMPT = {
    "given": ("from hypothesis import", "family_latin"),  # a decorator; a given name
    "walk": ("ast.walk",),
    "note": ("ReportReason", "moderation_log", "ExportedReport", "/reports"),  # of a report
    "Choice": ("click.Choice",),
    "fold": ("BaseHeader",),  # a method of headers of mails
}
"""Names that mean something else in a file with one of these texts."""


def parts(name: str) -> list[str]:
    """`RedisSessionGate` → Redis, Session, Gate; `is_live` → is, live."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)


WORD = re.compile(r"[^\W\d]\w*")
COMPOUNDS = {name: parts(name) for name in COMPOUND.split()}
WHOLE_NAMES = frozenset(WHOLE.split())


@cache
def retired(name: str) -> str | None:
    """The retired name in an identifier."""
    bare = name.strip("_")
    if bare in WHOLE_NAMES:
        return bare
    if bare.startswith("test_"):
        return None
    found = parts(bare)
    for compound, run in COMPOUNDS.items():
        if any(found[at : at + len(run)] == run for at in range(len(found) - len(run) + 1)):
            return compound
    return None


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and identifier, also of expressions in f-strings."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield from ((getattr(node, "lineno", 0), part) for part in value.split("."))


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = str(path.relative_to(ROOT))
            if path != Path(__file__) and not relative.startswith(NOT_CHECKED):
                yield path


def hits() -> Iterator[tuple[Path, int, str, str]]:
    """Path, line, identifier and the retired name in it."""
    for path in files():
        text = path.read_text(encoding="utf-8")
        if not any(map(retired, WORD.findall(text))):
            continue  # parsing takes most of the time
        for line, name in identifiers(ast.parse(text)):
            found = retired(name)
            if found and not any(mark in text for mark in EXEMPT.get(found, ())):
                yield path.relative_to(ROOT), line, name, found


def main(arguments: list[str]) -> None:
    found = list(hits())
    if "--count" in arguments:
        counts = Counter((str(Path(*path.parts[:4])), name) for path, _, name, _ in found)
        for (folder, name), count in sorted(counts.items()):
            print(f"{count:4} {folder} {name}")
    else:
        for path, line, name, word in found:
            print(f"{path}:{line}: `{name}`: `{word}` is retired")
    if found:
        sys.exit(f"{len(found)} retired names")


if __name__ == "__main__":
    main(sys.argv[1:])
