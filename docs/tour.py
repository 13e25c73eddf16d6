"""A tour of SidePro's API: two new people meet, step by step, on a running server.

    python docs/tour.py http://127.0.0.1:8000

One signs up, publishes three projects and waits for company; the other finds them, comments,
bookmarks, and the two have a coffee chat. At the end the server recommends the one's projects to
the other, because their skills are alike. Every answer is checked against the contract: the
program stops with one sentence and exit code 1 at the first surprise, and ends with 0.

It needs Python 3.11, httpx and websockets, and nothing of the server's own code. The two people
are new in each run, so it can be repeated on an empty server as well as on a full one.

Read it from top to bottom to learn the API. Beside it are `tour_client.py`, how to call the API,
`tour_chat.py`, the chapter about the chat, and `tour_shapes.py`, all that the server sends.

`--keep FILE` writes down what the server acknowledged; `--check FILE` verifies it again later,
for example after the server was killed and started anew.
"""

import argparse
import io
import json
import random
import re
import secrets
import sys
import time
import unicodedata
from pathlib import Path

import httpx
from websockets.exceptions import WebSocketException

from tour_chat import have_a_coffee_chat
from tour_client import (
    Caller,
    Json,
    Person,
    Value,
    caching,
    chapter,
    check_etag,
    check_location,
    parse,
    read,
    say,
)
from tour_shapes import (
    ACCOUNT,
    BOOKMARK,
    CATALOGUE,
    COMMENT,
    HISTORY,
    PROJECT,
    PROJECT_CARD,
    RECOMMENDATIONS,
    USER,
    USER_MEMBERS,
    Surprise,
    expect,
    expect_equal,
    flag,
    shape,
)


def decomposed(word: str) -> str:
    """The word as some keyboards send it: 한 as ㅎ, ㅏ, ㄴ (Unicode's form NFD)."""
    return unicodedata.normalize("NFD", word)


# --- Chapter 1: accounts and profiles -----------------------------------------------------------


def look_at_the_catalogue(stranger: Caller) -> Json:
    request_id = f"tour-{secrets.token_hex(4)}"
    response = stranger.send(200, "GET", "/catalogue", headers={"X-Request-ID": request_id})
    catalogue = read(response, CATALOGUE)
    expect_equal("the echoed X-Request-ID", response.headers["X-Request-ID"], request_id)

    check_etag(response)
    stranger.send(304, "GET", "/catalogue", headers={"If-None-Match": response.headers["ETag"]})

    numbers = [len(catalogue[kind]) for kind in ("skills", "regions", "meet_times")]
    say("The catalogue has {} skills, {} regions and {} meeting times.".format(*numbers))
    return catalogue


def knock_without_a_token(stranger: Caller) -> None:
    stranger.refused(401, "not-authenticated", "GET", "/me")
    forged = {"Authorization": "Bearer not.a.token"}
    response = stranger.send(401, "GET", "/projects", headers=forged)
    code = parse(response, "application/problem+json").get("code")
    expect_equal("the code for a forged token", code, "not-authenticated")
    say("Without a token, /me is 401; with a forged one even the public board is.")


def sign_up(stranger: Caller, person: Person) -> None:
    wish = {"email": person.email, "username": person.username}
    both = shape(email=flag, username=flag)
    free = stranger.get(both, "/users/availability", **wish)
    expect_equal("availability of new names", free, {"email": True, "username": True})

    response = stranger.send(201, "POST", "/users", {**wish, "password": person.password})
    person.account = read(response, ACCOUNT)
    check_location(response, f"/users/{person.id}")
    known = {**wish, "profile": None, "is_admin": False}
    expect_equal("the new account", {name: person.account[name] for name in known}, known)

    # The same names in capitals, and typed on a keyboard that takes syllables apart.
    again = {name: decomposed(value.upper()) for name, value in wish.items()}
    taken = stranger.get(both, "/users/availability", **again)
    expect_equal("availability of taken names", taken, {"email": False, "username": False})
    alone = stranger.get(shape(email=flag), "/users/availability", email=person.email)
    expect_equal("availability of the email alone", alone, {"email": False})
    say(f"{person.username} signed up; in no spelling are their names free now.")


def refuse_a_second_account(stranger: Caller, person: Person) -> None:
    twin = {"email": person.email.upper(), "username": f"twin-{secrets.token_hex(5)}"}
    stranger.refused(409, "email-taken", "POST", "/users", {**twin, "password": person.password})
    say("A second account with the same email, in capitals, is 409 email-taken.")


def log_in(stranger: Caller, person: Person) -> None:
    wrong = {"email": person.email, "password": "not my password"}
    stranger.refused(401, "wrong-credentials", "POST", "/sessions", wrong)

    session = person.log_in(person.email.upper())
    me = person.get(ACCOUNT, "/me")
    expect_equal("GET /me", me, person.account)
    say(f"{person.username} logged in for {session['expires_in']} s; there is no profile yet.")


def write_a_profile(person: Person, skills: list[str], catalogue: Json) -> None:
    """`skills` are in the catalogue's order; they are sent in another and must come back so."""
    person.refused(409, "no-profile", "PATCH", "/me/profile", {"bio": "Too early."})

    region, meet_time = catalogue["regions"][0], catalogue["meet_times"][-1]
    profile: Json = {
        "bio": "주말마다 사이드 프로젝트를 합니다.",
        "github_url": "https://github.com/example",
        "skills": random.sample(skills, len(skills)),
        "region": region,
    }
    written = person.ask(ACCOUNT, "PUT", "/me/profile", profile)["profile"]
    wanted = {**profile, "skills": skills, "image_url": None, "meet_time": None}
    expect_equal("the profile as written", written, wanted)

    # In an edit, what is left out stays as it is; null empties it.
    change = {"bio": "Coffee?", "region": None, "meet_time": meet_time}
    person.account = person.ask(ACCOUNT, "PATCH", "/me/profile", change)
    expect_equal("the edited profile", person.account["profile"], {**wanted, **change})
    say(f"{person.username} wrote a profile: {', '.join(skills)}.")


def visit_a_public_page(stranger: Caller, person: Person) -> None:
    page = stranger.get(USER, f"/users/{person.id}")
    public = {name: person.account[name] for name in USER_MEMBERS}
    expect_equal("the public page", page, public)
    say(f"Anybody can see {person.username}'s page, without the email address.")


# --- Chapter 2: the project board ---------------------------------------------------------------

CONTENT = """# 소개

동네 **모임**을 지도에서 찾습니다. [문서](https://example.com/docs)

<script>alert("tour")</script>

[누르세요](javascript:alert(1))"""


def publish(author: Person, title: str, skills: list[str]) -> Json:
    body: Json = {
        "title": title,
        "summary": "투어가 만든 프로젝트",
        "content": CONTENT,
        "repository_url": "https://github.com/example/tour",
        "skills": skills[::-1],
    }
    response = author.send(201, "POST", "/projects", body)
    project = read(response, PROJECT)
    check_location(response, f"/projects/{project['id']}")
    check_etag(response)

    wanted = {
        **body,
        "skills": skills,
        "thumbnail_url": None,
        "author": {"id": author.id, "username": author.username, "image_url": None},
        "view_count": 0,
        "bookmark_count": 0,
        "comment_count": 0,
        "bookmarked": False,
    }
    expect_equal("the new project", {name: project[name] for name in wanted}, wanted)
    check_html(project["content_html"])
    say(f"{author.username} published “{title}”.")
    return project


def check_html(html: str) -> None:
    good = re.search(r"<h[1-6][^>]*>.*소개", html) and "<strong>모임</strong>" in html
    expect(bool(good), f"content_html: expected the rendered Markdown, but {html!r} came")
    bad = re.search(r"""<script|href\s*=\s*["']?\s*javascript:""", html, re.IGNORECASE)
    expect(bad is None, f"content_html: expected it harmless, but {html!r} came")
    polite = 'rel="nofollow ugc noopener"' in html
    expect(polite, f"content_html: expected rel=“nofollow ugc noopener”, but {html!r} came")


def refuse_bad_input(author: Person) -> None:
    good: Json = {"title": "T", "summary": "S", "content": "C", "skills": ["Python"]}
    mistakes: list[tuple[str, Json]] = [
        ("/title", {"title": "   "}),
        ("/summary", {"summary": "너무 길어요" * 20}),
        ("/skills", {"skills": ["Telepathy"]}),
        ("/view_count", {"view_count": 1_000_000}),
    ]
    for pointer, mistake in mistakes:
        faults = author.refused(422, "invalid", "POST", "/projects", {**good, **mistake})
        named = len(faults) == 1 and faults[0].startswith(pointer)
        expect(named, f"a bad {pointer}: expected a pointer to it, but {faults} came")
    say("Projects with a bad title, summary, skill or member are 422, with a pointer to it.")

    faults = author.refused(422, "invalid", "GET", "/projects", query={"limit": 0})
    expect_equal("the parameter at fault", faults, ["limit"])
    author.refused(422, "invalid", "GET", "/projects", query={"skill": "Telepathy"})
    say("So are a limit of 0 and an unknown skill in the address.")


def read_a_project(stranger: Caller, reader: Person, project: Json) -> None:
    path = f"/projects/{project['id']}"
    for views, caller in enumerate((stranger, reader, reader), start=1):
        caller.send(200, "HEAD", path)
        response = caller.send(200, "GET", path)
        check_etag(response)
        expect_equal("Cache-Control", caching(response), "no-store")
        bookmarked = None if caller is stranger else False
        wanted = {**project, "view_count": views, "bookmarked": bookmarked}
        expect_equal(f"the project at view {views}", read(response, PROJECT), wanted)
    say("It was read three times: three views counted, and none for asking with HEAD.")

    unknown = project["id"][:-12] + secrets.token_hex(6)
    for wrong in (unknown, "nonsense"):
        stranger.refused(404, "not-found", "GET", f"/projects/{wrong}")
    say("An id that nobody has is 404, and so is one that is none at all.")


def search_the_board(stranger: Caller, author: Person, projects: list[Json], word: str) -> None:
    """`projects` are the author's, oldest first; `word` is in the title of the first alone."""
    one, two, three = (project["id"] for project in projects)
    (a, b), mine = projects[0]["skills"], author.id

    def found(wanted: list[str], **query: Value) -> None:
        came = stranger.page(PROJECT_CARD, "/projects", **query)
        expect_equal(f"the board with {query}", came.ids(), wanted)
        expect(all(card["bookmarked"] is None for card in came.items), "bookmarked is not null")

    newest = author.page(PROJECT_CARD, "/projects", sort="newest", limit=100)
    own = [card["id"] for card in newest.items if card["author"]["id"] == mine]
    expect_equal("the author's projects on the newest board", own, [three, two, one])
    found([three, two, one], author=mine)
    found([one], author=mine, sort="views", limit=1)
    say("The board shows the newest first, or the most viewed.")

    found([two, one], author=mine, skill=[a, b])
    found([one], author=mine, skill=[a, b], match="all")
    say(f"With any of {a} and {b} it has two of them, with all of these one.")

    found([one], q=word)
    found([one], q=word.upper())
    found([one], q=decomposed(word[4:-1]))
    found([], q=f"{word[0]}_{word[2:]}")
    found([three, two, one], q=author.username.upper())
    say(f"A search finds “{word[4:-1]}” within “{word}”, in either case and form.")

    found([one], q=word, author=mine, skill=[a, b], match="all", sort="popular", limit=5)
    say("All filters work together.")


def walk_the_pages(stranger: Caller, author: Person, newest_first: list[str]) -> None:
    first = stranger.page(PROJECT_CARD, "/projects", author=author.id, limit=1, total=True)
    expect_equal("the total", first.total, len(newest_first))

    page = stranger.page(PROJECT_CARD, "/projects", author=author.id, limit=1)
    expect_equal("what lies before the first page", page.previous, None)
    walked = page.ids()
    while page.next and len(walked) <= len(newest_first):
        cursor = page.next
        page = stranger.page(PROJECT_CARD, "/projects", author=author.id, limit=1, cursor=cursor)
        walked += page.ids()
    expect_equal("walking forward by cursors", walked, newest_first)

    walked = page.ids()
    while page.previous_link and len(walked) <= len(newest_first):
        page = stranger.page(PROJECT_CARD, page.previous_link)
        walked += page.ids()
    expect_equal("walking back by links", walked, newest_first[::-1])
    say("Page by page, forward by cursors and back by links: none repeated, none skipped.")

    others: Json = {"author": author.id, "sort": "views", "cursor": page.next}
    for query in (others, {"cursor": "nonsense"}):
        stranger.refused(400, "bad-cursor", "GET", "/projects", query=query)
    say("A cursor that was made for another list is 400 bad-cursor.")


# --- Chapter 3: company -------------------------------------------------------------------------


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
    say(f"{reader.username} wrote two comments; everybody can read them.")
    return comments


def bookmark(reader: Person, project: Json) -> None:
    path = f"/projects/{project['id']}/bookmark"
    for method in ("PUT", "PUT", "DELETE", "DELETE", "PUT"):
        on = method == "PUT"
        came = reader.ask(BOOKMARK, method, path)
        wanted = {"bookmarked": on, "bookmark_count": int(on)}
        expect_equal(f"{method} {path}", came, wanted)
    say("They bookmarked it, took that back, and bookmarked it again; each can be repeated.")


def see_the_counts(reader: Person, author: Person, projects: list[Json]) -> list[Json]:
    """Give the cards of the author's projects as they stand now, newest first."""
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
    say("The card now shows 3 views, 2 comments and 1 bookmark.")
    return by_author.items


# --- Chapter 4 is in tour_chat.py; chapter 5: recommendations -----------------------------------


def recommended(person: Person, **query: Value) -> Json:
    answer = person.get(RECOMMENDATIONS, "/recommendations", **query)
    limit = query.get("limit", 3)
    expect(len(answer["items"]) <= int(str(limit)), f"expected no more than {limit}, more came")
    ids = [item["project"]["id"] for item in answer["items"]]
    expect(len(ids) == len(set(ids)), f"expected each project once, but {ids} came")

    for item in answer["items"]:
        author = item["project"]["author"]
        expect(author["id"] != person.id, "expected projects of others, but one's own came")
        reason = (item["score"], item["similar_user"], item["shared_skills"])
        if item["basis"] == "popular":
            expect_equal("why a popular project is shown", reason, (None, None, []))
        else:
            expect(None not in reason and reason[2], f"expected a reason, but {item} came")
            expect_equal("the similar user", item["similar_user"], author)
    return answer


def look_around_without_a_profile(person: Person) -> None:
    items = recommended(person)["items"]
    expect(bool(items), "expected popular projects for a newcomer, but none came")
    expect(all(item["basis"] == "popular" for item in items), f"not all are popular: {items}")
    say(f"{person.username} has no skills yet and is shown {len(items)} popular projects.")


def find_the_like_minded(person: Person, friend: Person, skills: list[str], wait: float) -> None:
    say(f"The similarity job runs every minute; waiting for it, up to {wait:.0f} s …")
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
    expect(answer["computed_at"] is not None, "expected a computed_at, but null came")
    say(f"It recommends “{item['project']['title']}”: {friend.username} has the same skills.")
    expect_same_for_same_seed(person, seed)

    for seed in range(5):
        recommended(friend, limit=20, seed=seed)
    say(f"{friend.username} is never shown projects of their own.")


def expect_same_for_same_seed(person: Person, seed: int) -> None:
    """Ask three times: a tick of the job may fall between two answers, but not into each gap."""
    answers = []
    for _ in range(3):
        answer = recommended(person, limit=3, seed=seed)
        answers.append([(item["project"]["id"], item["score"]) for item in answer["items"]])
    same = answers[1] in (answers[0], answers[2])
    expect(same, f"expected the same answer for the same seed, but {answers} came")
    say("The same seed gives the same answer.")


# --- The whole tour, and what is kept of it -----------------------------------------------------


def tour(server: httpx.Client, wait: float) -> Json:
    """Walk through all chapters; give what the server acknowledged."""
    stranger = Caller(server)
    first = Person(server, "haneul", "하늘코더")
    second = Person(server, "robin", "Robin")

    chapter("1. Accounts and profiles")
    catalogue = look_at_the_catalogue(stranger)
    knock_without_a_token(stranger)
    for person in (first, second):
        sign_up(stranger, person)
    refuse_a_second_account(stranger, first)
    for person in (first, second):
        log_in(stranger, person)
    chosen = random.sample(catalogue["skills"], 8)
    skills = [skill for skill in catalogue["skills"] if skill in chosen]
    write_a_profile(first, skills, catalogue)
    visit_a_public_page(stranger, first)

    chapter("2. The project board")
    word = "Map" + "".join(chr(random.randint(ord("가"), ord("힣"))) for _ in range(6))
    a, b, c, d = skills[:4]
    refuse_bad_input(first)
    projects = [publish(first, f"우리 동네 {word} 지도", [a, b])]
    read_a_project(stranger, second, projects[0])
    projects.append(publish(first, "A quiet budget", [a, c]))
    projects.append(publish(first, "책 바꿔 읽기", [c, d]))
    search_the_board(stranger, first, projects, word)
    walk_the_pages(stranger, first, [project["id"] for project in reversed(projects)])

    chapter("3. Company")
    look_around_without_a_profile(second)
    write_a_profile(second, skills, catalogue)
    comments = comment(second, projects[0])
    bookmark(second, projects[0])
    cards = see_the_counts(second, first, projects)

    messages = have_a_coffee_chat(first, second)

    chapter("5. Recommendations")
    find_the_like_minded(second, first, skills, wait)

    people = [keep_person(person) for person in (first, second)]
    return {"people": people, "cards": cards, "comments": comments, "messages": messages}


def keep_person(person: Person) -> Json:
    return {"account": person.account, "password": person.password, "token": person.token}


def check(server: httpx.Client, kept: Json) -> None:
    """Verify that all that a tour kept is there still, and nothing was added to it."""
    chapter("What the server acknowledged before")
    first, second = (restore_person(server, person) for person in kept["people"])

    cards = second.page(PROJECT_CARD, f"/users/{first.id}/projects").items
    for card, before in zip(cards, kept["cards"], strict=False):
        more = card["view_count"] - before["view_count"]
        expect(more >= 0, f"{-more} views of “{before['title']}” were lost")
    # Somebody may have read them since, which alone may have changed.
    viewed = [card["view_count"] for card in cards]
    wanted = [{**c, "view_count": n} for c, n in zip(kept["cards"], viewed, strict=False)]
    expect_equal("the projects", cards, wanted)
    marked = [card["id"] for card in kept["cards"] if card["bookmarked"]]
    bookmarks = second.page(PROJECT_CARD, f"/users/{second.id}/bookmarks")
    expect_equal("the bookmarks", bookmarks.ids(), marked)
    say(f"{len(cards)} projects, {len(marked)} bookmark.")

    comments = first.page(COMMENT, f"/projects/{kept['cards'][-1]['id']}/comments")
    expect_equal("the comments", comments.items, kept["comments"])
    path = f"/rooms/{kept['messages'][0]['room_id']}/messages"
    for person in (first, second):
        history = person.get(HISTORY, path, after=0, limit=100)
        expect_equal("the messages", history["items"], kept["messages"])
    say(f"{len(comments.items)} comments, {len(kept['messages'])} messages.")


def restore_person(server: httpx.Client, kept: Json) -> Person:
    person = Person(server, "", "")
    person.account, person.password = kept["account"], kept["password"]
    person.email, person.username = person.account["email"], person.account["username"]
    person.log_in(person.email)
    expect_equal("the account", person.get(ACCOUNT, "/me"), person.account)
    say(f"{person.username} can log in.")
    return person


def main() -> int:
    parser = argparse.ArgumentParser(description="Walk two new people through SidePro's API.")
    parser.add_argument("base", help="the server's address, like http://127.0.0.1:8000")
    parser.add_argument("--wait", type=float, default=150, metavar="SECONDS")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was acknowledged")
    parser.add_argument("--check", type=Path, metavar="FILE", help="verify what was kept instead")
    options = parser.parse_args()

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Korean
    try:
        with httpx.Client(base_url=options.base, timeout=30) as server:
            if options.check:
                check(server, json.loads(options.check.read_text("utf-8")))
            else:
                kept = tour(server, options.wait)
                if options.keep:
                    options.keep.write_text(
                        json.dumps(kept, ensure_ascii=False, indent=1), "utf-8"
                    )
    except Surprise as surprise:
        print(f"A surprise: {surprise}", file=sys.stderr)
        return 1
    except json.JSONDecodeError as error:
        print(f"{options.check} is no file that --keep wrote: {error}", file=sys.stderr)
        return 1
    except (httpx.HTTPError, httpx.InvalidURL, WebSocketException, OSError) as error:
        print(
            f"No luck with {options.base}: {str(error) or type(error).__name__}", file=sys.stderr
        )
        return 1
    print("\nAll as the contract says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
