"""The tokens in mails: HMAC-SHA-256 of what they are for, under keys made from the secret keys."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from sidepro.domain.identity import token_digest
from sidepro.domain.ids import MailId, UserId


class HmacMailTokens:
    """See `sidepro.domain.mail.ports.MailTokens`."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """The first key signs. The others find tokens that were issued before a rotation."""
        self._keys = tuple(keys)

    def issue(self, mail_id: MailId) -> str:
        return _token(self._keys[0], f"mail:{mail_id}")

    def find(self, mail_id: MailId, digest: bytes) -> str | None:
        tokens = (_token(key, f"mail:{mail_id}") for key in self._keys)
        return next((token for token in tokens if token_digest(token) == digest), None)

    def for_unsubscribing(self, user_id: UserId, kind: str) -> str:
        return _token(self._keys[0], f"unsubscribe:{user_id}:{kind}")


def _token(key: bytes, purpose: str) -> str:
    mac = hmac.new(key, purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
