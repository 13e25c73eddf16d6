"""The look of the pages where there are no screens: one document without scripts or files."""

import base64
import hashlib
from html import escape

from litestar import MediaType, Response

from sidepro.domain.language import Language
from sidepro.http.headers.language import preferred_language
from sidepro.http.mail_pages.look import HEADERS, MailField, MailForm, MailPage, PageRequest
from sidepro.http.mail_pages.texts import TEXTS

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 26rem; padding: 4rem 1.25rem;
  font: 1rem/1.6 system-ui, sans-serif; word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; }
form { display: grid; gap: 1rem; }
label { display: grid; gap: .25rem; font-weight: 600; }
input { font: inherit; padding: .6rem .75rem; border: 1px solid GrayText; border-radius: 6px; }
small { font-weight: 400; }
button { font: inherit; font-weight: 600; padding: .7rem 1rem; border: 0; border-radius: 6px;
  background: #1f4fbf; color: #fff; cursor: pointer; }
a { color: light-dark(#1f4fbf, #9db8ff); }
p[role=alert] { color: light-dark(#a3162a, #ff9aa8); }
:focus-visible { outline: 3px solid light-dark(#1f4fbf, #9db8ff); outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class PlainLook:
    """See `sidepro.http.mail_pages.look.MailPageLook`."""

    def __init__(self, base_path: str) -> None:
        self._base = escape(base_path.rstrip("/"))

    def language(self, request: PageRequest) -> Language:
        return preferred_language(request.headers.get("accept-language", ""))

    def render(self, request: PageRequest, page: MailPage) -> Response[str]:
        language = self.language(request)
        title = escape(page.title)
        text = f"<p>{escape(page.text)}</p>\n" if page.text else ""
        home = f'<p><a href="{self._base}/">{escape(TEXTS[language].home)}</a></p>'
        rest = self._form(page.form) if page.form else home
        html = (
            f'<!doctype html>\n<html lang="{language.value}">\n<head>\n'
            '<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title} – SidePro</title>\n<style>{_STYLE}</style>\n</head>\n"
            f"<body>\n<main>\n<h1>{title}</h1>\n{text}{rest}\n</main>\n</body>\n</html>\n"
        )
        headers = {**HEADERS, "Content-Security-Policy": _POLICY, **page.headers}
        return Response(
            html,
            status_code=page.status,
            media_type=MediaType.HTML,
            headers={"Content-Language": language.value, **headers},
        )

    def _form(self, form: MailForm) -> str:
        token = ""
        if form.token is not None:
            token = f'<input type="hidden" name="token" value="{escape(form.token)}">\n'
        return (
            f'<form method="post" action="{self._base}/{form.path}">\n{token}'
            f"{_field(form.field) if form.field else ''}"
            f"<button>{escape(form.button)}</button>\n</form>"
        )


def _field(field: MailField) -> str:
    error = f'<p role="alert">{escape(field.error)}</p>\n' if field.error else ""
    hint = f" <small>{escape(field.hint)}</small>" if field.hint else ""
    return (
        f"{error}<label>{escape(field.label)}{hint}\n"
        f'<input type="{field.kind}" name="{field.name}" autocomplete="{field.autocomplete}" '
        "required></label>\n"
    )
