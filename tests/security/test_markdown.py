"""Markdown of users is rendered to harmless HTML."""

import asyncio
import html
import re
import time
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from tests.api.client import Api, ApiUser
from tests.security.markdown_corpus import CORPUS

pytestmark = pytest.mark.anyio

ELEMENTS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("img", "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr"),
    *("b", "details", "div", "i", "input", "ins", "kbd", "mark", "samp", "section", "small"),
    *("label", "sub", "summary", "sup", "u", "ul", "var"),
}
ATTRIBUTES = {
    "a": {"href", "title", "rel", "id"},
    "code": {"class"},
    "details": {"open"},
    "div": {"align"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"type", "disabled", "checked"},
    "li": {"id"},
    "ol": {"start"},
    "p": {"align"},
    "pre": {"tabindex"},
    "table": {"tabindex"},
    "td": {"align"},
    "th": {"align"},
}


class Page(HTMLParser):
    """The elements and attributes that a browser would parse."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def assert_harmless(text: str) -> None:
    page = Page(text)
    assert page.others == []
    for tag, attributes in page.elements:
        assert tag in ELEMENTS
        assert set(attributes) <= ATTRIBUTES.get(tag, set())
        assert attributes.get("id", "user-content-").startswith("user-content-")
        if tag == "input":
            assert attributes["type"] == "checkbox"
            assert "disabled" in attributes
        if tag == "img":
            assert re.fullmatch(r"/media/[0-9a-f]{32}\.webp", attributes["src"])
        if "href" in attributes:
            assert attributes["rel"] == "nofollow ugc noopener"
            assert scheme(attributes["href"]) in ("http", "https", "mailto", None)


def scheme(address: str) -> str | None:
    """The scheme as browsers read it, without entities, blanks and control characters."""
    bare = re.sub(r"[\x00-\x20\x7f-\xa0]", "", html.unescape(address)).lower()
    found = re.match(r"([a-z][a-z0-9+.-]*):", bare)
    return found and found[1]


@pytest.fixture(scope="module")
async def author(api: Api) -> ApiUser:
    return await api.sign_up()


@pytest.mark.parametrize("content", CORPUS)
async def test_an_attack_is_rendered_harmless(api: Api, author: ApiUser, content: str) -> None:
    made = await api.publish(author, content=content)

    assert_harmless(made["content_html"])
    assert made["content"] == content


async def test_an_edited_text_is_rendered_harmless(api: Api, author: ApiUser) -> None:
    made = await api.publish(author)

    attack = {"content": "<script>alert(1)</script>[x](javascript:alert(1))"}
    response = await api.send("PATCH", f"/projects/{made['id']}", attack, by=author)

    assert_harmless(response.json()["content_html"])


@pytest.mark.parametrize(
    "content",
    [
        "[x](https://example.com/a?b=c&d=e)",
        "[x](http://example.com 'title')",
        "<https://example.com>",
        "<somebody@example.com>",
        "[x]\n\n[x]: https://example.com",
        "[x](mailto:somebody@example.com)",
        "[**x**](https://example.com)",
    ],
)
async def test_a_link_is_kept_with_nofollow(api: Api, author: ApiUser, content: str) -> None:
    shown = (await api.publish(author, content=content))["content_html"]

    ((_, attributes),) = [element for element in Page(shown).elements if element[0] == "a"]
    assert scheme(attributes["href"]) in ("http", "https", "mailto")
    assert attributes["rel"] == "nofollow ugc noopener"


KEY = "0123456789abcdef0123456789abcdef.webp"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (f"![지도](/media/{KEY})", f'<p><img src="/media/{KEY}" alt="지도"></p>\n'),
        (
            f"[![지도](/media/{KEY} 'a')](https://example.com)",
            (
                '<p><a href="https://example.com" rel="nofollow ugc noopener">'
                f'<img src="/media/{KEY}" alt="지도" title="a"></a></p>\n'
            ),
        ),
        (
            "![지도](https://elsewhere.example/a.png)",
            (
                '<p><a href="https://elsewhere.example/a.png" rel="nofollow ugc noopener">'
                "지도</a></p>\n"
            ),
        ),
        (
            "![](https://elsewhere.example/a.png)",
            (
                '<p><a href="https://elsewhere.example/a.png" rel="nofollow ugc noopener">'
                "https://elsewhere.example/a.png</a></p>\n"
            ),
        ),
        (
            "[![지도](https://elsewhere.example/a.png)](https://example.com)",
            '<p><a href="https://example.com" rel="nofollow ugc noopener">지도</a></p>\n',
        ),
    ],
)
async def test_own_images_are_embedded_and_others_become_links(
    api: Api, author: ApiUser, content: str, shown: str
) -> None:
    assert (await api.publish(author, content=content))["content_html"] == shown


@pytest.mark.parametrize("one", ["![](x)", "[![](x)](y)", f"![](/media/{KEY})", '![a](<b>"c")'])
async def test_the_cost_of_images_is_linear(one: str) -> None:
    render = SafeMarkdown(ImageUrls())

    def cost(count: int) -> float:
        started = time.thread_time()
        render(one * count)
        return time.thread_time() - started

    most = 50_000 // len(one)
    few = min(cost(most // 16) for _ in range(5))
    assert min(cost(most) for _ in range(2)) < 16 * 5 * few, "its square is 16 * 16"


LONG = 50_000


@pytest.mark.parametrize(
    "text",
    [
        "[a]: /" + "x" * (LONG // 2 - 20) + "\n\n" + "[a]" * (LONG // 6),
        '[a]: /u "' + "&" * (LONG // 2 - 20) + '"\n\n' + "[a]" * (LONG // 6),
        "[a]: /" + "한" * (LONG // 2 - 20) + "\n\n" + "![b][a]" * (LONG // 14),
        "[](a)" * (LONG // 5),
        ("> " * 19 + "a\n\n") * (LONG // 41),
        ">" * LONG,
        "- " * 400 + "a\n",
        "# a\n" * (LONG // 4),
        "[^1]" * (LONG // 4 - 4) + "\n\n[^1]: a",
        "".join(f"<b id={n}>" for n in range(2_000)) + "\n\n" + "x\n\n" * 9_000,
        "<p><b><i><em>" * 1_000 + "<p>" * 12_000,
        "<table><tr><td><b>" * (LONG // 18),
        '<a b=" c="' * (LONG // 10),
        "<!--" * (LONG // 4),
        "https://a" + "가" * (LONG - 9),
        "|" * 200 + "\n" + "|-" * 199 + "|\n" + "|a\n" * (LONG // 4),
        "'\"&<>" * (LONG // 5),
    ],
    ids=lambda text: repr(text[:20]),
)
async def test_the_size_of_the_html_is_linear_in_the_text(text: str) -> None:
    assert len(text) <= LONG
    started = time.thread_time()
    assert len(SafeMarkdown(ImageUrls())(text)) < 50 * LONG
    assert time.thread_time() - started < 3


async def test_references_beyond_the_total_length_stay_text() -> None:
    text = "[a]: /" + "x" * 999 + "\n\n" + "[a]\n" * 150
    shown = SafeMarkdown(ImageUrls())(text)
    assert shown.count("<a href") == 100
    assert shown.count("\n[a]") == 50


async def test_requests_are_served_while_a_text_is_rendered(api: Api, author: ApiUser) -> None:
    content = "<b>" * 16_000 + "a"
    publishing = asyncio.create_task(api.publish(author, content=content))
    longest, last = 0.0, time.perf_counter()
    while not publishing.done():
        assert (await api.send("GET", "//health/live")).is_success
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        await asyncio.sleep(0.005)
    await publishing
    assert longest < 0.25


async def test_many_texts_of_one_writer_do_not_delay_others() -> None:
    markdown = SafeMarkdown(ImageUrls())
    done: list[str] = []

    async def write(who: str, text: str, writer: UserId) -> None:
        await markdown.in_thread(text, writer)
        done.append(who)

    much, other = UserId(uuid4()), UserId(uuid4())
    long = ">" * 19 + "a\n" * 1_000
    await asyncio.gather(
        *(write("much", long, much) for _ in range(5)), write("other", "hello", other)
    )
    markdown.close()
    assert done.index("other") <= 1, done


async def test_normal_markdown_is_rendered(api: Api, author: ApiUser) -> None:
    content = "# 제목\n\n**굵게** *기울임* `code` ~~no~~\n\n- 하나\n- 둘\n\n| a |\n|---|\n| b |\n"

    shown = (await api.publish(author, content=content))["content_html"]

    tags = [tag for tag, _ in Page(shown).elements]
    for tag in ("h1", "strong", "em", "code", "ul", "li", "table", "td"):
        assert tag in tags
    assert "제목" in shown


async def test_titles_and_comments_are_plain_text(api: Api, author: ApiUser) -> None:
    attack = "<script>alert(1)</script>"
    made = await api.publish(author, title=attack, summary=attack)
    comment = await api.comment(author, made, attack)

    assert (made["title"], comment["body"]) == (attack, attack)
    response = await api.send("GET", f"/projects/{made['id']}")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
