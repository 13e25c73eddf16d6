"""Texts of the editor of projects."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.web.texts import Text


@dataclass(frozen=True, slots=True)
class EditorTexts:
    new_title: str
    new_text: str
    edit_title: str
    publish: str
    save: str
    cancel: str
    labels: Mapping[str, str]
    """By the field."""
    summary_hint: str
    content_hint: str
    repository_hint: str
    skills_hint: Text
    """`max` skills."""
    thumbnail_hint: Text
    """`max` megabytes."""
    thumbnail_now: str
    thumbnail_new: str
    remove_thumbnail: str
    write: str
    preview: str
    toolbar: str
    tools: Mapping[str, str]
    """The tools of the toolbar, by their names."""
    samples: Mapping[str, str]
    """What a tool inserts where nothing is selected."""
    uploading: Text
    """Stands in the text while an image is uploaded: `name`."""
    too_large: Text
    """A file has more than `max` megabytes."""
    wrong_kind: str
    saved_here: Text
    """The text is kept on this device since `time`."""
    not_saved_here: str
    draft: Text
    """The text of another time is kept on this device: `time`."""
    restore: str
    discard: str
    sending: str
    uploads_first: str
    saved: str
    session_ended: str
    offline: str
    again: str
    published_already: str
    deleted: str
    conflict: str
    conflict_text: str
    stored: Text
    """The stored version of a field: `field`."""
    none: str
    use_stored: str
    overwrite: str
