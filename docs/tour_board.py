"""The tour's chapter about the project board: publishing, reading, searching, paging."""

import re
import secrets

from tour_client import (
    Caller,
    Json,
    Person,
    Value,
    caching,
    check_etag,
    check_location,
    decomposed,
    read,
    report,
)
from tour_schemas import PROJECT, PROJECT_CARD, expect, expect_equal

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

    expected = {
        **body,
        "skills": skills,
        "thumbnail_url": None,
        "author": {"id": author.id, "username": author.username, "image_url": None},
        "view_count": 0,
        "bookmark_count": 0,
        "comment_count": 0,
        "bookmarked": False,
    }
    expect_equal("the new project", {name: project[name] for name in expected}, expected)
    check_html(project["content_html"])
    report(f"{author.username} published “{title}”.")
    return project


def check_html(html: str) -> None:
    valid = re.search(r"<h[1-6][^>]*>.*소개", html) and "<strong>모임</strong>" in html
    expect(bool(valid), f"content_html: expected the rendered Markdown, got {html!r}")
    bad = re.search(r"""<script|href\s*=\s*["']?\s*javascript:""", html, re.IGNORECASE)
    expect(bad is None, f"content_html: expected harmless HTML, got {html!r}")
    has_rel = 'rel="nofollow ugc noopener"' in html
    expect(has_rel, f"content_html: expected rel=“nofollow ugc noopener”, got {html!r}")


def refuse_bad_input(author: Person) -> None:
    valid: Json = {"title": "T", "summary": "S", "content": "C", "skills": ["Python"]}
    mistakes: list[tuple[str, Json]] = [
        ("/title", {"title": "   "}),
        ("/summary", {"summary": "너무 길어요" * 20}),
        ("/skills", {"skills": ["Telepathy"]}),
        ("/view_count", {"view_count": 1_000_000}),
    ]
    for pointer, mistake in mistakes:
        errors = author.refused(422, "invalid", "POST", "/projects", {**valid, **mistake})
        named = len(errors) == 1 and errors[0].startswith(pointer)
        expect(named, f"a bad {pointer}: expected one error with this pointer, got {errors}")
    report("A bad title, summary, skill or member is 422, with a pointer to it.")

    errors = author.refused(422, "invalid", "GET", "/projects", query={"limit": 0})
    expect_equal("the invalid parameter", errors, ["limit"])
    author.refused(422, "invalid", "GET", "/projects", query={"skill": "Telepathy"})
    report("So are a limit of 0 and an unknown skill in the query.")


def read_a_project(anonymous: Caller, reader: Person, project: Json) -> None:
    path = f"/projects/{project['id']}"
    for views, caller in enumerate((anonymous, reader, reader), start=1):
        caller.send(200, "HEAD", path)
        response = caller.send(200, "GET", path)
        check_etag(response)
        expect_equal("Cache-Control", caching(response), "no-store")
        bookmarked = None if caller is anonymous else False
        expected = {**project, "view_count": views, "bookmarked": bookmarked}
        expect_equal(f"the project at view {views}", read(response, PROJECT), expected)
    report("Three GETs counted three views; HEAD counted none.")

    unknown = project["id"][:-12] + secrets.token_hex(6)
    for wrong in (unknown, "nonsense"):
        anonymous.refused(404, "not-found", "GET", f"/projects/{wrong}")
    report("An unknown id and a malformed id are both 404.")


def search_the_board(anonymous: Caller, author: Person, projects: list[Json], word: str) -> None:
    """`projects` are the author's, oldest first; only the first title contains `word`."""
    one, two, three = (project["id"] for project in projects)
    (a, b), mine = projects[0]["skills"], author.id

    def found(expected: list[str], **query: Value) -> None:
        actual = anonymous.page(PROJECT_CARD, "/projects", **query)
        expect_equal(f"the board with {query}", actual.ids(), expected)
        expect(all(card["bookmarked"] is None for card in actual.items), "bookmarked is not null")

    newest = author.page(PROJECT_CARD, "/projects", sort="newest", limit=100)
    own = [card["id"] for card in newest.items if card["author"]["id"] == mine]
    expect_equal("the author's projects on the newest board", own, [three, two, one])
    found([three, two, one], author=mine)
    found([one], author=mine, sort="views", limit=1)
    report("The board lists the newest or the most viewed projects first.")

    found([two, one], author=mine, skill=[a, b])
    found([one], author=mine, skill=[a, b], match="all")
    report(f"Any of {a} and {b} matches two projects, all of them one.")

    found([one], q=word)
    found([one], q=word.upper())
    found([one], q=decomposed(word[4:-1]))
    found([], q=f"{word[0]}_{word[2:]}")
    found([three, two, one], q=author.username.upper())
    report(f"A search finds “{word[4:-1]}” within “{word}”, in either case and normal form.")

    found([one], q=word, author=mine, skill=[a, b], match="all", sort="popular", limit=5)
    report("All filters work together.")


def visit_the_pages(anonymous: Caller, author: Person, newest_first: list[str]) -> None:
    first = anonymous.page(PROJECT_CARD, "/projects", author=author.id, limit=1, total=True)
    expect_equal("the total", first.total, len(newest_first))

    page = anonymous.page(PROJECT_CARD, "/projects", author=author.id, limit=1)
    expect_equal("the cursor before the first page", page.previous, None)
    visited = page.ids()
    while page.next and len(visited) <= len(newest_first):
        cursor = page.next
        page = anonymous.page(PROJECT_CARD, "/projects", author=author.id, limit=1, cursor=cursor)
        visited += page.ids()
    expect_equal("the items, forward by cursors", visited, newest_first)

    visited = page.ids()
    while page.previous_link and len(visited) <= len(newest_first):
        page = anonymous.page(PROJECT_CARD, page.previous_link)
        visited += page.ids()
    expect_equal("the items, back by links", visited, newest_first[::-1])
    report("Paging forward by cursors and back by links repeats and skips nothing.")

    others: Json = {"author": author.id, "sort": "views", "cursor": page.next}
    for query in (others, {"cursor": "nonsense"}):
        anonymous.refused(400, "bad-cursor", "GET", "/projects", query=query)
    report("A cursor of another list is 400 bad-cursor.")
