"""The demo people: accounts, names and profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sidepro.demo.randomness import DemoRandom
from sidepro.demo.texts import CODE_HOST, bio
from sidepro.demo.words import Kind, WordBank, word_banks
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import UserId
from sidepro.domain.language import Language
from sidepro.domain.text import casefold_key

PAST = timedelta(days=180)
"""Time since the first people signed up."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name on the platform, their email, and their name at the code host."""

    username: str
    email: str
    handle: str


DEMO_PASSWORD = "coffee-chat-2026"  # noqa: S105 - printed for everybody who runs the demo
DEMO_NAMES = (
    Name("민지", "minji@example.com", "minji"),
    Name("alex", "alex@example.com", "alex"),
)
DEMO_EMAILS = tuple(name.email for name in DEMO_NAMES)
"""The demo accounts. They have profiles, projects and a chat with each other."""

_EMAIL_HOSTS = ("example.com", "example.org", "example.net")  # reserved by RFC 2606


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    handle: str
    bank: WordBank
    kind: Kind
    profile: Profile | None


def make_people(
    rng: DemoRandom,
    kinds: Sequence[Kind],
    catalogue: Catalogue,
    count: int,
    password_hash: str,
    now: datetime,
) -> list[Person]:
    """The people in the order of their sign-up, those of `DEMO_NAMES` first."""
    korean, english = word_banks()
    names = _Names(rng)
    start, demo = now - PAST, len(DEMO_NAMES)
    arrivals = [start] * demo
    arrivals += sorted(rng.between(start, now) for _ in range(count - demo))
    shares = [kind.share for kind in kinds]
    people = []
    for index, created_at in enumerate(arrivals[:count]):
        if index < demo:
            name, bank = DEMO_NAMES[index], (korean, english)[index]
            kind = kinds[index % len(kinds)]
        else:
            bank = (korean, english, korean, korean, english)[index % 5]
            name, kind = names.next(bank), rng.choices(kinds, shares)[0]
        user = User(
            id=UserId(rng.uuid7(created_at)),
            email=name.email,
            username=name.username,
            password_hash=password_hash,
            is_admin=False,
            is_active=True,
            created_at=created_at,
            language=Language.ENGLISH if bank is english else Language.KOREAN,
            chat_policy=ChatPolicy.OPEN,
        )
        profile = None
        if index < demo or rng.random() < 0.92:
            profile = _profile(rng, kinds, catalogue, user, name.handle, bank, kind, now)
        people.append(Person(user, name.handle, bank, kind, profile))
    return people


def in_catalogue_order(catalogue: Catalogue, skills: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(skills, key=catalogue.skills.index))


def _profile(
    rng: DemoRandom,
    kinds: Sequence[Kind],
    catalogue: Catalogue,
    user: User,
    handle: str,
    bank: WordBank,
    kind: Kind,
    now: datetime,
) -> Profile:
    weights = dict.fromkeys(rng.sample(catalogue.skills, min(2, len(catalogue.skills))), 1.0)
    weights |= dict.fromkeys(rng.choice(kinds).leads, 1.5)
    weights |= dict.fromkeys(kind.others, 3.0)
    weights |= dict.fromkeys(kind.leads, 6.0)
    skills = rng.weighted_sample(weights, min(12, max(3, round(rng.gauss(7.4, 2.3)))))

    def perhaps(names: Sequence[str]) -> str | None:
        return rng.early_choice(names) if names and rng.random() < 0.9 else None

    return Profile(
        user_id=user.id,
        bio=bio(rng, bank, kind, skills),
        image_id=None,
        github_url=f"{CODE_HOST}/{handle}" if rng.random() < 0.7 else None,
        skills=in_catalogue_order(catalogue, skills),
        region=perhaps(catalogue.regions),
        meet_time=perhaps(catalogue.meet_times),
        updated_at=rng.between(user.created_at, now),
    )


class _Names:
    """Draws unique names. Appends numbers when the words run out."""

    def __init__(self, rng: DemoRandom) -> None:
        self._rng = rng
        self._usernames = {casefold_key(name.username) for name in DEMO_NAMES}
        self._handles = {name.handle for name in DEMO_NAMES}
        self._numbers: dict[str, int] = {}

    def next(self, bank: WordBank) -> Name:
        rng = self._rng
        family, family_latin = rng.choice(bank.families)
        given_name, latin = rng.choice(bank.given_names)
        if rng.random() < 0.55:
            username = rng.choice(bank.full_names).format(
                family=family,
                given_name=given_name,
                family_latin=family_latin,
                latin=latin,
                number=rng.randint(1, 99),
            )
        else:
            username = "".join(map(rng.choice, bank.nicknames))
        handle = self._unique(f"{latin}-{family_latin}", self._handles)
        host = rng.choice(_EMAIL_HOSTS)
        return Name(self._unique(username, self._usernames), f"{handle}@{host}", handle)

    def _unique(self, name: str, taken: set[str]) -> str:
        unique = name
        while casefold_key(unique) in taken:
            self._numbers[name] = self._numbers.get(name, 1) + 1
            unique = f"{name}{self._numbers[name]}"
        taken.add(casefold_key(unique))
        return unique
