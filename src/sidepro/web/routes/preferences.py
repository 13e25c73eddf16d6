"""The language, the colours and the time zone of this browser."""

from litestar import Response, Router, post

from sidepro.domain.language import Language
from sidepro.web.auth import PUBLIC
from sidepro.web.cookies import COLOURS, LANGUAGE
from sidepro.web.forms import InjectedForm
from sidepro.web.page import COLOUR_SCHEMES, InjectedPage


@post("/preferences", opt=PUBLIC)
async def choose(page: InjectedPage, form: InjectedForm) -> Response[str]:
    """Remembers a choice, and goes back to the page."""
    cookies = []
    if form.text("language") in tuple(Language):
        page.speak(Language(form.text("language")))
        cookies.append(page.cookies.preference(LANGUAGE, page.language))
    if form.text("colours") in COLOUR_SCHEMES:
        page.colours = form.text("colours")
        cookies.append(page.cookies.preference(COLOURS, page.colours))
    return page.back(form, cookies=cookies)


router = Router("/", route_handlers=[choose])
