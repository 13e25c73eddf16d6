"""What is taken already, told with the other errors of a form."""

from sidepro.http.services import Services
from sidepro.web.forms import Form, FormError
from sidepro.web.page import Page


async def with_taken(page: Page, services: Services, form: Form, *names: str) -> Form:
    """The form with an error for each of these fields that is right but taken: `email` and
    `username`. Everybody may ask whether they are free.
    """
    right = {name: form.text(name) for name in names if not form.error(name)}
    if not right:
        return form
    free = await services.accounts.availability(right.get("email"), right.get("username"))
    texts = page.texts.errors.problems
    for name, is_free in free.items():
        if not is_free:
            form = form.with_error(FormError(name, texts[f"{name}-taken"]))
    return form
