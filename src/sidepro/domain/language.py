"""The languages of pages and mails."""

from enum import StrEnum


class Language(StrEnum):
    """A language of the pages and mails, by its tag (BCP 47)."""

    KOREAN = "ko"
    ENGLISH = "en"


DEFAULT_LANGUAGE = Language.KOREAN
