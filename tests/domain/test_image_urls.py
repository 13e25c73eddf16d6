"""URLs of stored images, and the keys in URLs and HTML."""

import pytest

from sidepro.domain.images.urls import ImageKey, ImageUrls, keys_in, with_sizes

KEY = "0123456789abcdef0123456789abcdef.webp"


@pytest.mark.parametrize(
    "url",
    [
        "",
        KEY,
        f"/media/../{KEY}",
        f"/media/x/{KEY}",
        f"https:/media/{KEY}",
        f"https:///media/{KEY}",
        f"ftp://images.example/b/{KEY}",
        f"https://images.example:8443/b/{KEY}",
        f"https://[images.example/b/{KEY}",
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


@pytest.mark.parametrize(
    "url",
    [
        f"/media/{KEY}",
        f"/media/{KEY}?x#y",
        f"https://sidepro.example/media/{KEY}",
        f"http://SidePro.example:80/media/{KEY}",
        f"//sidepro.example/media/{KEY}",
        f"HTTPS://sidepro.example:443/media/{KEY}#x",
        f"https://bucket.example/{KEY}",
        f"https://images.example/b/{KEY}?x",
        f"https://한글.example/media/{KEY}",
        f"https://xn--bj0bj06e.example/media/{KEY}",
    ],
)
def test_all_public_addresses_of_an_image_have_its_key(url: str) -> None:
    urls = ImageUrls(
        "https://images.example/b/",
        (
            "https://sidepro.example/media/",
            "https://bucket.example/",
            "https://xn--bj0bj06e.example/media/",
        ),
    )
    assert urls.key_of(url) == KEY


def test_stored_html_gets_the_urls_of_the_store() -> None:
    html = (
        f'<p><img src="/media/{KEY}" alt="x"> &lt;img src="/media/{KEY}" <a href="/media/{KEY}">'
    )
    moved = ImageUrls("https://images.example/b/").in_html(html)
    assert moved == html.replace(
        f'<img src="/media/{KEY}"', f'<img src="https://images.example/b/{KEY}"'
    ).replace(f'<a href="/media/{KEY}"', f'<a href="https://images.example/b/{KEY}"')
    assert ImageUrls().in_html(html) == html


def test_shown_and_linked_images_are_references() -> None:
    other = KEY.replace("0", "f")
    html = f'<img src="/media/{KEY}" alt=""><a href="/media/{other}">x</a> /media/{"9" * 32}.webp'
    assert keys_in(html) == {KEY, other}


OTHER_KEY = KEY.replace("0", "f")


@pytest.mark.parametrize(
    ("html", "sized"),
    [
        (f'<img src="/media/{KEY}">', f'<img src="/media/{KEY}" width="640" height="360">'),
        (
            f'<img src="/media/{KEY}" alt="a &gt; b" title="width=1">.',
            f'<img src="/media/{KEY}" alt="a &gt; b" title="width=1" width="640" height="360">.',
        ),
        (f'<img src="/media/{KEY}" alt="" width="80">', None),
        (f'<img src="/media/{OTHER_KEY}" alt="">', None),
        (f'<a href="/media/{KEY}">x</a>', None),
        (f'<code>&lt;img src="/media/{KEY}"&gt;</code>', None),
    ],
)
def test_an_image_without_a_size_gets_that_of_its_file(html: str, sized: str | None) -> None:
    assert with_sizes(html, {ImageKey(KEY): (640, 360)}) == (sized or html)
