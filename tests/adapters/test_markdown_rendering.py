"""Markdown as people write it: what GitHub shows, and what Korean texts need."""

import re

import pytest

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.domain.images.urls import ImageUrls, keys_in

KEY = "0123456789abcdef0123456789abcdef.webp"
REL = 'rel="nofollow ugc noopener"'


@pytest.fixture(scope="module")
def render() -> SafeMarkdown:
    return SafeMarkdown(ImageUrls(aliases=("https://sidepro.example/media/",)))


def inline(render: SafeMarkdown, text: str) -> str:
    """The content of the only paragraph."""
    found = re.fullmatch(r"<p>(.*)</p>\n?", render(text), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**마크다운(Markdown)**을", "<strong>마크다운(Markdown)</strong>을"),
        ('**"중요"**합니다', '<strong>"중요"</strong>합니다'),
        ("*기울임(italic)*은", "<em>기울임(italic)</em>은"),
        ("**「중요」**입니다", "<strong>「중요」</strong>입니다"),
        ("안녕**하세요.**그리고", "안녕<strong>하세요.</strong>그리고"),
        ("***둘 다(both)***는", "<em><strong>둘 다(both)</strong></em>는"),
        ("**`code`**를", "<strong><code>code</code></strong>를"),
        ("~~삭제(del)~~된", "<del>삭제(del)</del>된"),
        (
            "**[글](https://a.com)**을",
            f'<strong><a href="https://a.com" {REL}>글</a></strong>을',
        ),
        ("안녕\n하세요", "안녕\n하세요"),
        ('a*"b"*c', 'a*"b"*c'),
    ],
)
def test_emphasis_works_next_to_korean(render: SafeMarkdown, text: str, html: str) -> None:
    assert inline(render, text) == html


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("링크https://a.com입니다", {"https://a.com": "https://a.com"}),
        ("www.a.com.", {"http://www.a.com": "www.a.com"}),
        ("링크www.a.com입니다", {"http://www.a.com": "www.a.com"}),
        ("https://a.com/b를 보세요", {"https://a.com/b": "https://a.com/b"}),
        ("(https://a.com)에서", {"https://a.com": "https://a.com"}),
        ("https://a.com/b_(c)는", {"https://a.com/b_(c)": "https://a.com/b_(c)"}),
        (
            "https://ko.wikipedia.org/wiki/서울",
            {
                "https://ko.wikipedia.org/wiki/%EC%84%9C%EC%9A%B8": (
                    "https://ko.wikipedia.org/wiki/서울"
                )
            },
        ),
        (
            "https://한글.com/가",
            {"https://%ED%95%9C%EA%B8%80.com/%EA%B0%80": "https://한글.com/가"},
        ),
        ("me@naver.com으로", {"mailto:me@naver.com": "me@naver.com"}),
        ("`https://a.com` `링크www.a.com`", {}),
        ('"https://a.com"이라고', {"https://a.com": "https://a.com"}),
        ("「https://a.com/b」에", {"https://a.com/b": "https://a.com/b"}),
        (
            "'https://a.com'은 “https://b.com”",
            {f"https://{x}.com": f"https://{x}.com" for x in "ab"},
        ),
        ("https://a.com… https://b.com。", {f"https://{x}.com": f"https://{x}.com" for x in "ab"}),
        ("[https://a.com/b]은", {"https://a.com/b": "https://a.com/b"}),
        ("Https://a.com", {"Https://a.com": "Https://a.com"}),
        ("링크:www.a.com Www.b.com", {f"http://{w}.com": f"{w}.com" for w in ("www.a", "Www.b")}),
        ("https://a.com과https://b.com은", {f"https://{x}.com": f"https://{x}.com" for x in "ab"}),
        ("https://a.com/__init__.py", {"https://a.com/__init__.py": "https://a.com/__init__.py"}),
        ("메일me@www.a.com", {"mailto:me@www.a.com": "me@www.a.com"}),
    ],
)
def test_bare_urls_become_links(render: SafeMarkdown, text: str, links: dict[str, str]) -> None:
    html = render(text)
    assert dict(re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html)) == links
    assert re.sub(r"<[^>]*>", "", html).strip() == text.replace("`", "")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**https://a.com**입니다", "<strong>{}</strong>입니다"),
        ("*https://a.com*은 ", "<em>{}</em>은"),
        ("**링크: https://a.com**를", "<strong>링크: {}</strong>를"),
        ("~~https://a.com~~은", "<del>{}</del>은"),
        ("** https://a.com**은", "** {}**은"),
        ("https://a.com**은", "{}**은"),
    ],
)
def test_emphasis_of_a_bare_url_ends_before_a_particle(
    render: SafeMarkdown, text: str, html: str
) -> None:
    anchor = f'<a href="https://a.com" {REL}>https://a.com</a>'
    assert inline(render, text) == html.format(anchor)


@pytest.mark.parametrize("marker", ["> ", "- ", "1. "])
@pytest.mark.parametrize("depth", [3, 21, 60, 150])
def test_deep_nesting_keeps_its_text(render: SafeMarkdown, marker: str, depth: int) -> None:
    indent = marker if marker == "> " else " " * len(marker)
    lines = [indent * level + marker + f"줄{level}" for level in range(depth)]
    html = render("\n\n".join(lines) + "\n")
    for level in range(depth):
        assert f"줄{level}" in html
    assert html.count("<blockquote>") + html.count("<li>") >= min(depth, 45)


def test_columns_are_aligned_without_styles(render: SafeMarkdown) -> None:
    html = render("| 왼쪽 | 가운데 | 오른쪽 | 없음 |\n|:--|:-:|--:|---|\n| 1 | 2 | 3 | 4 |\n")
    assert re.findall(r"<t[hd]( [^>]*)?>", html) == 2 * [
        ' align="left"',
        ' align="center"',
        ' align="right"',
        "",
    ]
    assert "style" not in html


def test_what_may_be_wider_than_the_page_takes_the_focus(render: SafeMarkdown) -> None:
    html = render("```\nx\n```\n\n| a |\n|---|\n| 1 |\n")
    assert '<pre tabindex="0">' in html
    assert '<table tabindex="0">' in html


def test_task_lists_have_disabled_boxes(render: SafeMarkdown) -> None:
    html = render("- [x] 했다\n- [ ] 할 것\n- 그냥\n")
    assert html.count('<input type="checkbox" disabled="" checked="">') == 1
    assert html.count('<input type="checkbox" disabled="">') == 1
    assert "<li>그냥</li>" in html


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        pytest.param("- [ ] **하나** 둘", "<strong>하나</strong> 둘", id="item"),
        pytest.param("- [ ] 하나\n\n- 둘", "하나", id="paragraph"),
        pytest.param("- [ ] 하나\n  - 둘", "하나", id="item-with-a-list"),
        pytest.param("<input type=checkbox> 하나 <div>둘</div>", "하나", id="plain-html"),
        pytest.param("<label><input type=checkbox> 하나</label> 둘", "하나 둘", id="own-label"),
    ],
)
def test_the_text_beside_a_checkbox_is_its_label(
    render: SafeMarkdown, text: str, labelled: str
) -> None:
    (label,) = re.findall(r"<label>(.*?)</label>", render(text), re.DOTALL)
    assert label.removeprefix('<input type="checkbox" disabled="">').strip() == labelled


def test_a_checkbox_without_a_text_is_a_sign(render: SafeMarkdown) -> None:
    html = render("<input type=checkbox><input type=checkbox checked>\n")
    assert html == "<p>\u2610\u2611</p>\n"


def test_a_checkbox_beyond_the_depth_is_a_sign(render: SafeMarkdown) -> None:
    html = render(f"{'<b>' * 150}<input type=checkbox checked> 했다")
    assert "<label" not in html
    assert "\u2611" in html


def test_footnotes_link_both_ways(render: SafeMarkdown) -> None:
    html = render("하나[^1] 둘[^한글] 하나[^1]\n\n[^1]: 첫째\n[^한글]: 둘째\n")
    ids = set(re.findall(r' id="([^"]*)"', html))
    targets = re.findall(r'href="#([^"]*)"', html)
    assert len(targets) == 6
    assert set(targets) <= ids
    assert all(identity.startswith("user-content-") for identity in ids)
    assert "첫째" in html
    assert "둘째" in html


@pytest.mark.parametrize(
    ("heading", "fragment"),
    [
        ("# 소개", "소개"),
        ("## Getting Started!", "getting-started"),
        ("### **굵은** `code` & 제목", "굵은-code--제목"),
        ("소개\n===", "소개"),
        ("#### a_b-c 1.2", "a_b-c-12"),
        ("# 집:www.a.com", "집wwwacom"),
        ("# **https://a.com**은 안", "httpsacom은-안"),
    ],
)
def test_links_lead_to_headings(render: SafeMarkdown, heading: str, fragment: str) -> None:
    html = render(f"{heading}\n\n[위로](#{fragment})\n")
    (identity,) = re.findall(r'<h\d id="([^"]*)">', html)
    assert identity == f"user-content-{fragment}"
    assert f'<a href="#{identity}"' in html


def test_equal_headings_get_numbers(render: SafeMarkdown) -> None:
    html = render("# 가\n\n# 가\n\n# 가-1\n\n# 가\n")
    assert re.findall(r'id="user-content-([^"]*)"', html) == ["가", "가-1", "가-1-1", "가-2"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("가<br>나<br/>다", "<p>가<br>나<br>다</p>\n"),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd>", "<p><kbd>Ctrl</kbd>+<kbd>C</kbd></p>\n"),
        ("H<sub>2</sub>O m<sup>2</sup>", "<p>H<sub>2</sub>O m<sup>2</sup></p>\n"),
        (
            "<details>\n<summary>더 보기</summary>\n\n**안**\n\n</details>\n",
            "<details>\n<summary>더 보기</summary>\n<p><strong>안</strong></p>\n</details>\n",
        ),
        ("<details open><summary>a</summary>b</details>", None),
        ("앞<!-- 숨김 -->뒤", "<p>앞뒤</p>\n"),
        ("<!--\n숨김\n\n숨김\n-->\n\n뒤", "\n<p>뒤</p>\n"),
        ("x <sub>2\n\ny", "<p>x <sub>2</sub></p>\n<p>y</p>\n"),
        ("List<String> a < b", "<p>List&lt;String&gt; a &lt; b</p>\n"),
        ("<span style='color:red'>빨강</span>", "<p>빨강</p>\n"),
        ("`<br>`", "<p><code>&lt;br&gt;</code></p>\n"),
        (
            "<p align='center'>a</p>\n\n**b**",
            '<p align="center">a</p>\n<p><strong>b</strong></p>\n',
        ),
        ("가</br>나", "<p>가<br>나</p>\n"),
        ("<h1 align=center>a</h1>", '<h1 align="center" id="user-content-a">a</h1>\n'),
        (
            "<table><tr><td colspan=2 width='50px'>a</td></tr></table>",
            (
                '<table tabindex="0"><tbody><tr><td colspan="2" width="50">a</td></tr>'
                "</tbody></table>\n"
            ),
        ),
        ("<strike>가</strike>", "<p><strike>가</strike></p>\n"),
        ("<ruby>漢<rt>한</rt></ruby>", "<p><ruby>漢<rt>한</rt></ruby></p>\n"),
        ("<!-- a -->가<!-- 나\n**다**", "가&lt;!-- 나\n<p><strong>다</strong></p>\n"),
    ],
)
def test_html_is_shown_as_github_shows_it(
    render: SafeMarkdown, text: str, html: str | None
) -> None:
    shown = render(text)
    if html is None:
        assert '<details open=""><summary>a</summary>b</details>' in shown
    else:
        assert shown == html


@pytest.mark.parametrize(
    "text",
    [
        '<div id="맨-위"></div>',
        '<p id="맨-위">a</p>',
        '<h2 id="맨-위">b</h2>',
        '<a name="맨-위"></a>',
    ],
)
def test_links_reach_the_ids_of_a_text(render: SafeMarkdown, text: str) -> None:
    html = render(f"{text}\n\n# 제목\n\n[위로](#맨-위)")
    assert html.count('id="user-content-맨-위"') == 1
    assert '<a href="#user-content-맨-위"' in html


@pytest.mark.parametrize("text", ["# 제목", "- 제목", "> 제목", "```\n제목\n```"])
def test_a_byte_order_mark_before_the_first_line_is_ignored(
    render: SafeMarkdown, text: str
) -> None:
    assert render("\ufeff" + text) == render(text)
    assert render("\ufeff\ufeff" + text) == render(text)


@pytest.mark.parametrize(
    "text",
    [
        f"![화면](https://sidepro.example/media/{KEY})",
        f"![화면](/media/{KEY}?v=1)",
        f"[![화면](//sidepro.example/media/{KEY})](https://a.com)",
        f'<img src="https://sidepro.example/media/{KEY}" width="200">',
        f"![화면][1]\n\n[1]: HTTP://SIDEPRO.EXAMPLE/media/{KEY}",
        f"<details>\n\n![화면](/media/{KEY})\n\n</details>",
    ],
)
def test_an_own_image_is_shown_whatever_its_address(render: SafeMarkdown, text: str) -> None:
    html = render(text)
    assert f'<img src="/media/{KEY}"' in html
    assert keys_in(html) == {KEY}


@pytest.mark.parametrize(
    "text",
    [
        f"[화면](https://sidepro.example/media/{KEY})",
        f"[화면](/media/{KEY} 'x')",
        f"https://sidepro.example/media/{KEY}",
        f"<https://sidepro.example/media/{KEY}>",
        f'<a href="/media/{KEY}#x">화면</a>',
    ],
)
def test_a_link_to_an_own_image_is_a_reference(render: SafeMarkdown, text: str) -> None:
    assert keys_in(render(text)) == {KEY}


def test_a_table_of_too_many_cells_stays_text(render: SafeMarkdown) -> None:
    head = "|" * 200 + "\n" + "|-" * 199 + "|\n"
    assert "<table " in render(head + "|a\n" * 300)
    assert "<table " not in render(head + "|a\n" * 3_000)
