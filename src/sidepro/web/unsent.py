"""What was posted when a request failed: the next page carries it, so that no text is lost.

It travels in hidden fields, so it needs neither storage nor a script. Passwords and files are left
out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sidepro.web.addresses import local_address
from sidepro.web.forms import Form

ACTION = "unsent-action"
HAD_FILE = "unsent-file"
PREFIX = "unsent."
TEXTS = ("title", "summary", "content", "body", "bio", "introduction")
"""Fields of several words."""


@dataclass(frozen=True, slots=True)
class UnsentForm:
    """A posted form, and the local address that it was posted to. `had_password`: it had one,
    which is left out; `had_file` likewise.
    """

    action: str
    form: Form
    had_password: bool = False
    had_file: bool = False

    @classmethod
    def of(
        cls, action: str, posted: Form | None, *, had_file: bool = False
    ) -> "UnsentForm | None":
        """The form of this request; `None` if nothing was posted, or passwords alone."""
        if posted is None:
            return None
        fields = {name: values for name, values in posted.fields.items() if "password" not in name}
        if not fields:
            return None
        had_password = len(fields) < len(posted.fields)
        return cls(local_address(action), Form(fields), had_password, had_file)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether to offer it again after a detour: it has texts, or works without a password."""
        return bool(self.texts) or not self.had_password

    @property
    def texts(self) -> list[str]:
        """What the person has written, to show it."""
        # The reason of a report is a choice, and the note beside it the text.
        names = [*TEXTS, "note" if "note" in self.form.fields else "reason"]
        return [text for name in names if (text := self.form.text(name))]

    @classmethod
    def carried_by(cls, form: Form) -> "UnsentForm | None":
        """The form that the fields of another form carry, if they do."""
        action = local_address(form.text(ACTION), "")
        if not action:
            return None
        fields = {
            name.removeprefix(PREFIX): values
            for name, values in form.fields.items()
            if name.startswith(PREFIX)
        }
        return cls(action, Form(fields), had_file=HAD_FILE in form.fields)

    @property
    def carrying(self) -> Iterator[tuple[str, str]]:
        """The hidden fields that carry this form."""
        yield ACTION, self.action
        if self.had_file:
            yield HAD_FILE, "true"
        for name, value in self.resent:
            yield PREFIX + name, value

    @property
    def resent(self) -> Iterator[tuple[str, str]]:
        """The hidden fields that post this form again."""
        for name, values in self.form.fields.items():
            for value in values:
                yield name, value
