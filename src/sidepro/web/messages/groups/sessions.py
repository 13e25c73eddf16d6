"""Texts of signing up and logging in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionTexts:
    email: str
    username: str
    username_hint: str
    password: str
    password_hint: str
    show_password: str
    hide_password: str
    sign_up: str
    sign_up_text: str
    have_account: str
    log_in: str
    log_in_text: str
    no_account: str
    forgotten: str
    session_ended: str
    """The session ended while something was being sent."""
    unsent: str
    """What was being sent is not lost."""
    resume: str
    resume_text: str
    kept_text: str
    """After the choice of a language, for example."""
    resume_button: str
    cancel: str
    verify_first: str
    """What the person sent is for people with a verified email address."""
    verify_first_text: str
    verified: str
    """Sends again what the person typed."""
    free: Mapping[str, str]
    """By the field: the value is free."""
    taken: Mapping[str, str]
