"""URLs of stored images, and the keys in URLs and HTML."""

import pytest

from sidepro.domain.images.urls import ImageUrls, keys_in

KEY = "0123456789abcdef0123456789abcdef.webp"


@pytest.mark.parametrize(
    "url",
    [
        "",
        KEY,
        f"/media/../{KEY}",
        f"/media/x/{KEY}",
        f"/media/{KEY}?x",
        f"/media/{KEY}#x",
        f"/media/{KEY.upper()}",
        f"/media/{KEY}\n",
        f"media/{KEY}",
        f"//evil.example/media/{KEY}",
        f"https://evil.example/media/{KEY}",
        f"https://images.example/other/{KEY}",
        f"https://images.example.evil.example/b/{KEY}",
        f"https://images.example/b/x/{KEY}",
        f"https://images.example/b/{KEY}/x",
        "/media/0123456789abcdef0123456789abcdef.svg",
        "/media/0123456789abcdef0123456789abcde.webp",
    ],
)
def test_other_urls_have_no_key(url: str) -> None:
    for urls in (ImageUrls(), ImageUrls("https://images.example/b/")):
        assert urls.key_of(url) is None


def test_a_key_is_found_in_store_urls_and_media_urls() -> None:
    urls = ImageUrls("https://images.example/b/")
    assert urls.url(KEY) == f"https://images.example/b/{KEY}"
    assert urls.url(None) is None
    assert urls.key_of(f"https://images.example/b/{KEY}") == KEY
    assert urls.key_of(f"/media/{KEY}") == KEY


def test_stored_html_gets_the_urls_of_the_store() -> None:
    html = (
        f'<p><img src="/media/{KEY}" alt="x"> &lt;img src="/media/{KEY}" <a href="/media/{KEY}">'
    )
    moved = ImageUrls("https://images.example/b/").in_html(html)
    assert moved == html.replace(
        f'<img src="/media/{KEY}"', f'<img src="https://images.example/b/{KEY}"'
    )
    assert ImageUrls().in_html(html) == html
    assert keys_in(html) == {KEY}
