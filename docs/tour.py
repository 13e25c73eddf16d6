"""A tour of SidePro's API: two new people meet on a running server.

    python docs/tour.py http://127.0.0.1:8000

The first person signs up and publishes three projects. The second finds them, comments and
bookmarks, and they have a coffee chat. At the end the server recommends the first person's
projects to the second, because their skills are the same. Every response is checked against the
contract. The program stops at the first mismatch with one sentence and exit code 1.

It needs Python 3.11, httpx and websockets, and none of the server's code. Each run creates new
people, so it runs on empty and on full servers.

Read it from top to bottom to learn the API. `tour_client.py` calls the API, `tour_accounts.py`,
`tour_board.py` and `tour_chat.py` are chapters, and `tour_schemas.py` has the schemas of all
responses.

`--keep FILE` saves what the server acknowledged; `--check FILE` verifies it later, for example
after the server was killed and restarted.
"""

import argparse
import io
import json
import random
import sys
import time
from pathlib import Path

import httpx
from websockets.exceptions import WebSocketException

from tour_accounts import (
    call_without_a_token,
    log_in,
    look_at_the_catalogue,
    refuse_a_second_account,
    sign_up,
    view_a_public_page,
    write_a_profile,
)
from tour_board import (
    publish,
    read_a_project,
    refuse_bad_input,
    search_the_board,
    visit_the_pages,
)
from tour_chat import coffee_chat
from tour_client import (
    Caller,
    Json,
    Person,
    Value,
    chapter,
    check_location,
    read,
    report,
)
from tour_schemas import (
    ACCOUNT,
    BOOKMARK,
    COMMENT,
    HISTORY,
    PROJECT_CARD,
    RECOMMENDATIONS,
    Mismatch,
    expect,
    expect_equal,
)

# --- Chapters 1 and 2 are in tour_accounts.py and tour_board.py; chapter 3: comments and bookmarks


def comment(reader: Person, project: Json) -> list[Json]:
    path = f"/projects/{project['id']}/comments"
    comments = []
    for body in ("정말 멋져요!", "Can I help with the map?"):
        response = reader.send(201, "POST", path, {"body": body})
        comments.append(read(response, COMMENT))
        check_location(response, f"{path}/{comments[-1]['id']}")
        expect_equal("the comment", comments[-1]["body"], body)
        expect_equal("its author", comments[-1]["author"]["id"], reader.id)

    listed = Caller(reader.server).page(COMMENT, path)
    expect_equal("the comments, oldest first", listed.items, comments)
    report(f"{reader.username} wrote two comments, which are public.")
    return comments


def bookmark(reader: Person, project: Json) -> None:
    path = f"/projects/{project['id']}/bookmark"
    for method in ("PUT", "PUT", "DELETE", "DELETE", "PUT"):
        on = method == "PUT"
        actual = reader.ask(BOOKMARK, method, path)
        expected = {"bookmarked": on, "bookmark_count": int(on)}
        expect_equal(f"{method} {path}", actual, expected)
    report("They added, removed and added a bookmark; each call is idempotent.")


def check_the_counts(reader: Person, author: Person, projects: list[Json]) -> list[Json]:
    """Check the author's cards. Returns them, newest first."""
    by_author = reader.page(PROJECT_CARD, f"/users/{author.id}/projects")
    newest_first = [project["id"] for project in reversed(projects)]
    expect_equal("the author's projects, newest first", by_author.ids(), newest_first)

    card = by_author.items[-1]
    counts = [card[f"{what}_count"] for what in ("view", "comment", "bookmark")]
    expect_equal("its views, comments and bookmarks", counts, [3, 2, 1])
    expect_equal("whether the reader bookmarked it", card["bookmarked"], True)
    popular = author.page(PROJECT_CARD, "/projects", author=author.id, sort="popular")
    expect_equal("the most popular", popular.items[0], {**card, "bookmarked": False})

    path = f"/users/{reader.id}/bookmarks"
    Caller(reader.server).refused(401, "not-authenticated", "GET", path)
    expect_equal("the reader's bookmarks", author.page(PROJECT_CARD, path).ids(), [card["id"]])
    report("The card now shows 3 views, 2 comments and 1 bookmark.")
    return by_author.items


# --- Chapter 4 is in tour_chat.py; chapter 5: recommendations -----------------------------------


def recommended(person: Person, **query: Value) -> Json:
    answer = person.get(RECOMMENDATIONS, "/recommendations", **query)
    limit = query.get("limit", 3)
    expect(len(answer["items"]) <= int(str(limit)), f"expected at most {limit} items")
    ids = [item["project"]["id"] for item in answer["items"]]
    expect(len(ids) == len(set(ids)), f"expected each project once, got {ids}")

    for item in answer["items"]:
        author = item["project"]["author"]
        expect(author["id"] != person.id, "expected no projects of the caller")
        reason = (item["score"], item["similar_user"], item["shared_skills"])
        if item["basis"] == "popular":
            expect_equal("why a popular project is shown", reason, (None, None, []))
        else:
            expect(None not in reason and reason[2], f"expected a reason, got {item}")
            expect_equal("the similar user", item["similar_user"], author)
    return answer


def see_popular_projects(person: Person) -> None:
    items = recommended(person)["items"]
    expect(bool(items), "expected popular projects, got none")
    expect(all(item["basis"] == "popular" for item in items), f"not all are popular: {items}")
    report(f"{person.username} has no skills yet and gets {len(items)} popular projects.")


def wait_for_recommendations(
    person: Person, friend: Person, skills: list[str], wait: float
) -> None:
    report(f"The similarity job runs every minute; waiting for it, up to {wait:.0f} s …")
    seed, deadline = 0, time.monotonic() + wait
    while True:
        answer = recommended(person, limit=20, seed=seed)
        found = [item for item in answer["items"] if item["project"]["author"]["id"] == friend.id]
        if any(item["basis"] == "similar-skills" for item in found):
            break
        waited = f"after {wait:.0f} s none of {friend.username}'s projects was recommended"
        expect(time.monotonic() < deadline, waited)
        seed += 1
        time.sleep(1)

    item = next(item for item in found if item["basis"] == "similar-skills")
    expect_equal("the score", item["score"], 1.0)
    expect_equal("the shared skills", item["shared_skills"], skills)
    expect(answer["computed_at"] is not None, "expected a computed_at, got null")
    report(f"It recommends “{item['project']['title']}”: {friend.username} has the same skills.")
    expect_same_for_same_seed(person, seed)

    for seed in range(5):
        recommended(friend, limit=20, seed=seed)
    report(f"{friend.username} never gets their own projects.")


def expect_same_for_same_seed(person: Person, seed: int) -> None:
    """Ask three times: the job may run once between the responses, but not twice."""
    answers = []
    for _ in range(3):
        answer = recommended(person, limit=3, seed=seed)
        answers.append([(item["project"]["id"], item["score"]) for item in answer["items"]])
    same = answers[1] in (answers[0], answers[2])
    expect(same, f"expected the same response for the same seed, got {answers}")
    report("The same seed gives the same response.")


# --- The whole tour, and its saved state --------------------------------------------------------


def tour(server: httpx.Client, wait: float) -> Json:
    """Run all chapters. Returns the acknowledged state."""
    anonymous = Caller(server)
    first = Person(server, "haneul", "하늘코더")
    second = Person(server, "robin", "Robin")

    chapter("1. Accounts and profiles")
    catalogue = look_at_the_catalogue(anonymous)
    call_without_a_token(anonymous)
    for person in (first, second):
        sign_up(anonymous, person)
    refuse_a_second_account(anonymous, first)
    for person in (first, second):
        log_in(anonymous, person)
    chosen = random.sample(catalogue["skills"], 8)
    skills = [skill for skill in catalogue["skills"] if skill in chosen]
    write_a_profile(first, skills, catalogue)
    view_a_public_page(anonymous, first)

    chapter("2. The project board")
    word = "Map" + "".join(chr(random.randint(ord("가"), ord("힣"))) for _ in range(6))
    a, b, c, d = skills[:4]
    refuse_bad_input(first)
    projects = [publish(first, f"우리 동네 {word} 지도", [a, b])]
    read_a_project(anonymous, second, projects[0])
    projects.append(publish(first, "A quiet budget", [a, c]))
    projects.append(publish(first, "책 바꿔 읽기", [c, d]))
    search_the_board(anonymous, first, projects, word)
    visit_the_pages(anonymous, first, [project["id"] for project in reversed(projects)])

    chapter("3. Comments and bookmarks")
    see_popular_projects(second)
    write_a_profile(second, skills, catalogue)
    comments = comment(second, projects[0])
    bookmark(second, projects[0])
    cards = check_the_counts(second, first, projects)

    messages = coffee_chat(first, second)

    chapter("5. Recommendations")
    wait_for_recommendations(second, first, skills, wait)

    people = [person_state(person) for person in (first, second)]
    return {"people": people, "cards": cards, "comments": comments, "messages": messages}


def person_state(person: Person) -> Json:
    return {"account": person.account, "password": person.password, "token": person.token}


def check(server: httpx.Client, saved: Json) -> None:
    """Verify that the saved state is complete and nothing was added to it."""
    chapter("State that the server acknowledged before")
    first, second = (restored_person(server, person) for person in saved["people"])

    cards = second.page(PROJECT_CARD, f"/users/{first.id}/projects").items
    for card, before in zip(cards, saved["cards"], strict=False):
        more = card["view_count"] - before["view_count"]
        expect(more >= 0, f"{-more} views of “{before['title']}” were lost")
    # Only the view counts may have changed since.
    viewed = [card["view_count"] for card in cards]
    expected = [{**c, "view_count": n} for c, n in zip(saved["cards"], viewed, strict=False)]
    expect_equal("the projects", cards, expected)
    marked = [card["id"] for card in saved["cards"] if card["bookmarked"]]
    bookmarks = second.page(PROJECT_CARD, f"/users/{second.id}/bookmarks")
    expect_equal("the bookmarks", bookmarks.ids(), marked)
    report(f"{len(cards)} projects, {len(marked)} bookmark.")

    comments = first.page(COMMENT, f"/projects/{saved['cards'][-1]['id']}/comments")
    expect_equal("the comments", comments.items, saved["comments"])
    path = f"/rooms/{saved['messages'][0]['room_id']}/messages"
    for person in (first, second):
        history = person.get(HISTORY, path, after=0, limit=100)
        expect_equal("the messages", history["items"], saved["messages"])
    report(f"{len(comments.items)} comments, {len(saved['messages'])} messages.")


def restored_person(server: httpx.Client, saved: Json) -> Person:
    person = Person(server, "", "")
    person.account, person.password = saved["account"], saved["password"]
    person.email, person.username = person.account["email"], person.account["username"]
    person.log_in(person.email)
    expect_equal("the account", person.get(ACCOUNT, "/me"), person.account)
    report(f"{person.username} can log in.")
    return person


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Run a tour of SidePro's API with two new people."
    )
    parser.add_argument("base", help="the server's address, like http://127.0.0.1:8000")
    parser.add_argument("--wait", type=float, default=150, metavar="SECONDS")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="save what was acknowledged")
    parser.add_argument("--check", type=Path, metavar="FILE", help="verify a saved file instead")
    options = parser.parse_args()

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal without Korean
    try:
        with httpx.Client(base_url=options.base, timeout=30) as server:
            if options.check:
                check(server, json.loads(options.check.read_text("utf-8")))
            else:
                saved = tour(server, options.wait)
                if options.keep:
                    options.keep.write_text(
                        json.dumps(saved, ensure_ascii=False, indent=1), "utf-8"
                    )
    except Mismatch as mismatch:
        print(f"Mismatch: {mismatch}", file=sys.stderr)
        return 1
    except json.JSONDecodeError as error:
        print(f"{options.check} is not a file that --keep wrote: {error}", file=sys.stderr)
        return 1
    except (httpx.HTTPError, httpx.InvalidURL, WebSocketException, OSError) as error:
        print(f"Cannot call {options.base}: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    print("\nEverything matches the contract.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
