"""The generated demo data: reproducible and within every limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.security.passwords import CommonPasswordList, normalize_email
from sidepro.demo.drawings import COVER_SIZE
from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD, PAST
from sidepro.demo.randomness import DemoRandom
from sidepro.domain.accounts.password import check_password_length, check_password_strength
from sidepro.domain.accounts.personal.username import check_username
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.images.urls import ImageUrls, keys_in, with_sizes
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Room, validate_client_id
from sidepro.domain.text import normalize
from sidepro.domain.validation import Validator
from tests.adapters.demo_data import (
    CATALOGUE,
    NOTHING,
    NOW,
    default,
    generated,
    large,
    of_another_seed,
)

# ---------------------------------------------------------------------------------------- seed


def test_the_same_arguments_give_the_same_data() -> None:
    assert generated() == default()


def test_another_seed_gives_other_data() -> None:
    titles = Counter(project.title for project in default().projects)
    others = Counter(project.title for project in of_another_seed().projects)
    assert (titles & others).total() < 0.1 * titles.total()


# --------------------------------------------------------------------------------------- rules


def test_usernames_and_emails_are_valid() -> None:
    for user in (*default().users, *large().users):
        rules = Validator()
        assert check_username(user.username, rules) == user.username
        rules.raise_errors()
        assert normalize_email(user.email) == user.email
        assert user.email.isascii()
        assert user.email.rpartition("@")[2] in ("example.com", "example.org", "example.net")


def test_profiles_pass_validation() -> None:
    for profile in (*default().profiles, *large().profiles):
        written = Profile.write(
            profile.user_id,
            CATALOGUE,
            profile.updated_at,
            bio=profile.bio,
            image_id=profile.image_id,
            github_url=profile.github_url,
            skills=profile.skills,
            region=profile.region,
            meet_time=profile.meet_time,
        )
        assert written == profile


@pytest.mark.parametrize("data", [default, of_another_seed])
def test_projects_pass_validation_and_hold_their_rendered_content(
    data: Callable[[], DemoData],
) -> None:
    for project in data().projects:
        written = Project.write(
            project.id,
            project.author_id,
            CATALOGUE.skills,
            project.created_at,
            title=project.title,
            summary=project.summary,
            content=project.content,
            repository_url=project.repository_url,
            thumbnail_id=project.thumbnail_id,
            skills=project.skills,
        )
        # Blocks rendered one by one give the same HTML as the whole content.
        html = SafeMarkdown(ImageUrls())(project.content)
        html = with_sizes(html, dict.fromkeys(keys_in(html), COVER_SIZE))
        assert project == replace(
            written, content_html=html, revision=project.revision, updated_at=project.updated_at
        )


def test_titles_and_summaries_are_within_their_limits() -> None:
    for project in large().projects:
        assert 1 <= len(project.title) <= 50
        assert 1 <= len(project.summary) <= 60


def test_comments_pass_validation() -> None:
    for comment in (*default().comments, *large().comments):
        written = Comment.write(
            comment.id, comment.project_id, comment.author_id, comment.body, comment.created_at
        )
        assert replace(comment, updated_at=comment.created_at) == written


@pytest.mark.parametrize("seed", [1, 2])
def test_rooms_equal_a_replay_of_their_messages(seed: int) -> None:
    data = generated(Sizes(users=40, rooms=120), seed=seed)
    assert any(room.left_by for room in data.rooms)
    for room in data.rooms:
        messages = [message for message in data.messages if message.room_id == room.id]
        one, other = (participant.user_id for participant in room.participants)
        assert one is not None
        assert other is not None
        replayed = Room.open(room.id, one, other, room.created_at)
        for message in messages:
            assert message.sender_id is not None
            assert message.client_id is not None
            validate_client_id(message.client_id)
            replayed, said = replayed.with_message(
                message.sender_id, message.body, message.client_id, message.sent_at
            )
            assert said == message
        for participant in room.participants:
            assert participant.user_id is not None
            replayed = replayed.read_by(participant.user_id, participant.read_seq)
        if room.left_by:
            remaining = replayed.leave(room.left_by)
            assert remaining is not None
            replayed = remaining
        assert replayed == room


def test_senders_have_read_everything_before_their_last_message() -> None:
    for room in default().rooms:
        for participant in room.participants:
            own = [
                message.seq
                for message in default().messages
                if message.room_id == room.id and message.sender_id == participant.user_id
            ]
            assert participant.read_seq >= max(own, default=0)


def test_texts_are_normalized_and_filled_in() -> None:
    data = default()
    texts = [user.username for user in data.users]
    texts += [profile.bio for profile in data.profiles]
    texts += [text for project in data.projects for text in (project.title, project.content)]
    texts += [comment.body for comment in data.comments]
    texts += [message.body for message in data.messages]
    for text in texts:
        assert text == normalize(text)
        assert "{" not in text or "```" in text


def test_times_are_in_a_possible_order() -> None:
    data = default()
    born = {user.id: user.created_at for user in data.users}
    published = {project.id: project.created_at for project in data.projects}
    for user in data.users:
        assert NOW - PAST <= user.created_at <= NOW
    for profile in data.profiles:
        assert born[profile.user_id] <= profile.updated_at <= NOW
    for project in data.projects:
        assert born[project.author_id] <= project.created_at <= project.updated_at <= NOW
        assert (project.revision == 1) == (project.created_at == project.updated_at)
    for comment in data.comments:
        assert published[comment.project_id] <= comment.created_at <= comment.updated_at <= NOW
        assert born[comment.author_id] <= comment.created_at
    for bookmark in data.bookmarks:
        assert published[bookmark.project_id] <= bookmark.created_at <= NOW
        assert born[bookmark.user_id] <= bookmark.created_at
    for room in data.rooms:
        there = max(
            born[participant.user_id] for participant in room.participants if participant.user_id
        )
        assert there <= room.created_at <= room.updated_at <= NOW


# ------------------------------------------------------------------------------------ identity


def test_names_emails_and_ids_are_unique() -> None:
    data = large()
    for things in (
        [user.username_key for user in data.users],
        [user.email_key for user in data.users],
        [user.id for user in data.users],
        [project.id for project in data.projects],
        [comment.id for comment in data.comments],
        [(bookmark.user_id, bookmark.project_id) for bookmark in data.bookmarks],
        [room.id for room in data.rooms],
        [tuple(participant.user_id for participant in room.participants) for room in data.rooms],
        [(message.room_id, message.seq) for message in data.messages],
        [(message.room_id, message.sender_id, message.client_id) for message in data.messages],
    ):
        assert len(set(things)) == len(things)


def test_usernames_stay_unique_when_the_words_run_out() -> None:
    data = generated(replace(NOTHING, users=12_000))
    assert len({user.username_key for user in data.users}) == 12_000
    assert len({user.email_key for user in data.users}) == 12_000
    assert max(len(user.username) for user in data.users) <= 30


def test_ids_are_uuid7_and_sort_by_time() -> None:
    data = default()
    for things in (data.users, data.projects, data.comments):
        ids = [thing.id for thing in things]
        assert {number.version for number in ids} == {7}
        assert {number.variant for number in ids} == {"specified in RFC 4122"}
        times = [thing.created_at for thing in things]
        assert times == sorted(times)
        assert ids[2:] == sorted(ids[2:])  # the first two signed up at the same moment


def test_an_id_contains_its_time() -> None:
    number = DemoRandom(1).uuid7(NOW)
    assert number.int >> 80 == int(NOW.timestamp()) * 1_000 + 123
    later = DemoRandom(2).uuid7(NOW + timedelta(microseconds=1))
    assert number < later


# -------------------------------------------------------------------------------- demo accounts


def test_the_demo_accounts_have_profiles_projects_and_a_chat() -> None:
    data = default()
    minji, alex = data.users[:2]
    assert (minji.email, alex.email) == DEMO_EMAILS
    assert (minji.username, alex.username) == ("민지", "alex")
    for user in (minji, alex):
        assert any(profile.user_id == user.id for profile in data.profiles)
        assert any(project.author_id == user.id for project in data.projects)
    assert {each.user_id for each in data.rooms[0].participants} == {
        minji.id,
        alex.id,
    }
    assert data.rooms[0].left_by is None


def test_the_demo_accounts_talked_lately_and_have_unread_messages() -> None:
    data = default()
    assert NOW - data.rooms[0].updated_at < timedelta(hours=2)
    for user in data.users[:2]:
        unread = 0
        for room in data.rooms:
            read = {each.user_id: each.read_seq for each in room.participants}
            unread += sum(
                message.room_id == room.id
                and message.sender_id != user.id
                and message.seq > read[user.id]
                for message in data.messages
                if user.id in read
            )
        assert unread > 0


def test_the_demo_password_is_accepted_at_sign_up() -> None:
    rules = Validator()
    check_password_length(DEMO_PASSWORD, rules)
    rules.raise_errors()
    for user in default().users:
        check_password_strength(
            DEMO_PASSWORD, CommonPasswordList(), email=user.email, username=user.username
        )


def test_the_first_user_takes_part_in_the_first_rooms() -> None:
    data = large()
    first = data.users[0].id
    mine = [
        first in [participant.user_id for participant in room.participants] for room in data.rooms
    ]
    assert mine == [True] * 20 + [False] * 80
    assert all(room.left_by is None for room in data.rooms[:20])


# ------------------------------------------------------------------------------------ pictures


def test_each_picture_is_shown_once_by_its_owner() -> None:
    data = default()
    assert len(data.pictures) == Sizes().pictures
    faces = {profile.image_id: profile.user_id for profile in data.profiles}
    covers = {project.thumbnail_id: project.author_id for project in data.projects}
    shown = {
        key: project.author_id
        for project in data.projects
        for key in keys_in(project.content_html)
    }
    for picture in data.pictures:
        places = [faces.get(picture.id), covers.get(picture.id), shown.get(picture.key)]
        assert [owner for owner in places if owner] == [picture.owner_id]
    assert all(profile.image_id for profile in data.profiles[:2])


def test_most_of_the_newest_projects_have_a_cover_and_some_have_none() -> None:
    newest = default().projects[-20:]
    assert 10 <= sum(project.thumbnail_id is not None for project in newest) < 20
    assert any(keys_in(project.content_html) for project in newest)


def test_keys_of_pictures_depend_on_the_seed_alone() -> None:
    later = generate(
        Sizes(), 1, CATALOGUE, NOW + timedelta(days=9), "hash", SafeMarkdown(ImageUrls())
    )
    assert [each.key for each in later.pictures] == [each.key for each in default().pictures]
    other = of_another_seed()
    assert {each.key for each in other.pictures}.isdisjoint(each.key for each in later.pictures)


def test_without_pictures_the_other_data_are_the_same() -> None:
    data = generated(replace(Sizes(), pictures=0))
    assert data.pictures == []
    assert (data.users, data.comments, data.bookmarks, data.messages) == (
        default().users,
        default().comments,
        default().bookmarks,
        default().messages,
    )
    assert [project.title for project in data.projects] == [
        project.title for project in default().projects
    ]
