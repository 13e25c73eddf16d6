"""The security headers of the pages."""

from urllib.parse import urlsplit


def content_security_policy(image_base: str) -> str:
    """The policy of all pages: nothing of another host, no inline script or style.

    `image_base` is the base of image URLs: an absolute one is the address of an S3 store.
    """
    parts = urlsplit(image_base)
    images = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data:{images}",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


REFERRER_POLICY = "strict-origin-when-cross-origin"

NO_STORE = "no-store"
"""The caching of personal pages: Back shows nothing after log-out."""

VARY = "Cookie, Accept-Language"
"""What the text of a page depends on."""

REVALIDATE = "private, no-cache"
"""The caching of pages for anonymous readers, which depend on cookies."""
