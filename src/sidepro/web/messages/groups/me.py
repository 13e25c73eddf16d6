"""Texts of what a person sees and does about their own account."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.web.texts import Text


@dataclass(frozen=True, slots=True)
class MeTexts:
    title: str
    public_page: str
    write_profile: str
    """The button of who has no profile."""
    write_profile_title: str
    write_profile_hint: str
    edit_profile: str
    profile_text: str
    settings: str
    publish_first: str

    labels: Mapping[str, str]
    """The fields of all forms here, by name."""
    picture_hint: Text
    """What pictures are taken: `size`."""
    picture_kind: str
    picture_size: Text
    """The chosen picture is too large: `size`, the maximum."""
    picture_chosen: str
    """The form failed after its picture was stored: the picture is kept."""
    picture_preview: str
    remove_picture: str
    bio_hint: str
    github_hint: str
    skills_hint: Text
    """`max`"""
    not_chosen: str
    save: str
    cancel: str

    images: str
    images_text: str
    no_images: str
    no_images_hint: str
    quota: Text
    """`used` of `limit`."""
    quota_name: str
    image_of: Text
    """The alternative text of an image: `date`."""
    in_use: str
    delete_image: Text
    """`date`"""
    delete: str

    sessions: str
    sessions_text: str
    device: Text
    """`program` and `system`."""
    unknown_device: str
    current: str
    started: Text
    """`date`"""
    last_used: Text
    """`when`"""
    end_session: Text
    """`device`"""
    end: str
    end_others: str
    end_all: str
    end_all_text: str

    account: str
    account_text: str
    email_address: str
    unverified: Text
    """`address`"""
    send_again: str
    change_email: str
    change_email_text: str
    preferences: str
    username_hint: str
    language_hint: str
    time_zone_hint: str
    save_settings: str

    password: str
    password_text: str
    new_password_hint: str
    change_password: str

    export: str
    export_text: str

    withdraw: str
    withdraw_title: str
    withdraw_text: str
    what_goes_title: str
    what_goes: tuple[str, ...]
    what_stays: str
    confirmed: str
    withdraw_button: str
