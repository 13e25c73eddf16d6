"""The pages of links in mails in the look of the screens."""

from litestar import Response

from sidepro.domain.language import Language
from sidepro.http.mail_pages.look import HEADERS, MailPage, PageRequest
from sidepro.web.forms import Form, FormError
from sidepro.web.page import Page, Site


class SiteLook:
    """See `sidepro.http.mail_pages.look.MailPageLook`.

    The pages are the same for everybody who has the link, so the session is not read.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def language(self, request: PageRequest) -> Language:
        return Page(self._site, request).language

    def render(self, request: PageRequest, page: MailPage) -> Response[str]:
        field = page.form and page.form.field
        errors = (FormError(field.name, field.error),) if field and field.error else ()
        rendered = Page(self._site, request)
        return rendered.render(
            "mail_pages/page.html",
            status=page.status,
            headers={**HEADERS, "Content-Language": rendered.language.value, **page.headers},
            shown=page,
            form=Form(errors=errors),
        )
