"""One story, told over the API and over the pages, so that the two cannot drift apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.windows import NO_NETWORK
from tests.clients import eventually, http_client
from tests.image_files import picture, saved
from tests.servers import JustUp, SideProServer
from tests.web.story.api_driver import ApiDriver
from tests.web.story.driver import Draft, Newcomer, Reason, ShownPerson, ShownProject
from tests.web.story.input_devices import Keyboard, Pointer
from tests.web.story.pages_driver import PagesDriver, PlainPagesDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.browser.windows import Windows
    from tests.databases import Databases
    from tests.web.story.driver import Driver

# A story loads some forty pages. In a checkout without an environment, `./just up` makes one.
pytestmark = [pytest.mark.anyio, pytest.mark.slow(seconds=20), pytest.mark.timeout(600)]

RARE_SKILLS = ("OpenGL", "WebGL")
"""Few people of the demo have one, so that the two are among the most similar."""

JIU = Newcomer(
    username="지우",
    email="jiu@example.com",
    password="a walk by the river 3",
    bio="동네를 걸으며 지도를 만듭니다.",
    skills=("Django", *RARE_SKILLS),
    picture=saved(picture((96, 96))),
)
SAM = Newcomer(
    username="sam",
    email="sam@example.com",
    password="coffee before noon 8",
    bio="I draw maps of quiet places.",
    skills=(*RARE_SKILLS, "React"),
    picture=saved(picture((96, 96), colour=(20, 90, 60))),
)
MAP = Draft(
    title="동네 제빵소 지도",
    summary="조용한 제빵소를 모은 지도",
    content="## 만든 이유\n\n**조용한** 곳이 필요했습니다.\n\n- 지도\n- 검색",
    skills=("Django", "Python"),
    picture=saved(picture((640, 360))),
)


@pytest.fixture
def own_server(databases: Databases, tmp_path: Path) -> Iterator[SideProServer]:
    """A server that the story restarts."""
    with databases.settings(tmp_path / "data") as settings, SideProServer(settings) as server:
        yield server


@pytest.fixture
def just_up(tmp_path: Path) -> Iterator[JustUp]:
    """`./just up` with the demo, on a data folder of its own."""
    with JustUp({"SIDEPRO_DATA_DIR": str(tmp_path / "data")}) as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> SideProServer:
    """The windows of this module are on the server that the test restarts."""
    name = "just_up" if "just_up" in request.fixturenames else "own_server"
    running: SideProServer = request.getfixturevalue(name)
    return running


async def test_two_people_meet_over_the_api(own_server: SideProServer) -> None:
    async with http_client(own_server.url) as http:
        await tell(ApiDriver(http), ApiDriver(http), own_server.terminate, own_server.start)


async def test_two_people_meet_in_two_windows_after_just_up(
    windows: Windows, just_up: JustUp
) -> None:
    jiu = await windows.open()
    sam = await windows.open(language="en", colours="dark", width=390)
    for window in (jiu, sam):
        window.problems.allow(NO_NETWORK)  # their rooms stay open while the server restarts
    drivers = PagesDriver(jiu, Keyboard()), PagesDriver(sam, Keyboard())
    await tell(*drivers, just_up.press_ctrl_c, just_up.start)


async def test_two_people_meet_over_the_pages_without_scripts(
    windows: Windows, own_server: SideProServer
) -> None:
    jiu = await windows.open(script=False, width=390)
    sam = await windows.open(script=False, language="en")
    drivers = PlainPagesDriver(jiu, Pointer()), PlainPagesDriver(sam, Pointer())
    await tell(*drivers, own_server.terminate, own_server.start)


async def tell(
    jiu: Driver, sam: Driver, stop: Callable[[], int], start: Callable[[], None]
) -> None:
    """The story. It holds over every driver. `stop` returns the exit code of the server."""
    await jiu.sign_up(JIU)
    await jiu.publish(MAP)
    await sam.sign_up(SAM)

    assert await sam.find("제빵소 지", "Python") == [MAP.title]
    assert await sam.find("제빵소 지", "React") == []
    published = ShownProject(
        title=MAP.title,
        summary=MAP.summary,
        author=JIU.username,
        skills=MAP.skills,
        headings=("만든 이유",),
        pictures=1,
        bookmarked=False,
        bookmarks=0,
        comments=(),
    )
    assert await sam.read(MAP.title) == published

    await sam.comment(MAP.title, "Lovely! 저도 같이 하고 싶어요.")
    await sam.bookmark(MAP.title)
    introduction = "지도 이야기를 듣고 싶어요."
    await sam.ask_for_chat(JIU.username, introduction)
    assert await jiu.accept_chat(SAM.username) == introduction
    async with (
        sam.chat_with(JIU.username) as asking,
        jiu.chat_with(SAM.username) as asked,
    ):
        await asking.send("커피 한잔 어때요? ☕")
        await asked.wait_for("커피 한잔 어때요? ☕")
        await asked.send("좋아요!\n토요일은요?")
        await asking.wait_for("좋아요!\n토요일은요?")
    await see_recommendation(sam)

    assert stop() == 0
    start()

    await check_what_stands(jiu, sam)


async def see_recommendation(sam: Driver) -> None:
    """Looks until the job has run, and the project is among those that are shown."""
    reason = Reason(MAP.title, JIU.username, RARE_SKILLS)

    async def is_recommended() -> bool:
        return reason in await sam.recommendations()

    await eventually(is_recommended, seconds=60)


async def check_what_stands(jiu: Driver, sam: Driver) -> None:
    """What both read at the end."""
    read = await sam.read(MAP.title)
    assert read.comments == ((SAM.username, "Lovely! 저도 같이 하고 싶어요."),)
    assert (read.bookmarked, read.bookmarks) == (True, 1)
    assert (await jiu.read(MAP.title)).bookmarked is False
    assert await sam.look_up(JIU.username) == ShownPerson(
        username=JIU.username,
        bio=JIU.bio,
        skills=JIU.skills,
        has_picture=True,
        projects=(MAP.title,),
    )
    await see_recommendation(sam)
    said = [(SAM.username, "커피 한잔 어때요? ☕"), (JIU.username, "좋아요!\n토요일은요?")]
    async with jiu.chat_with(SAM.username) as room:
        assert await room.history() == said
    async with sam.chat_with(JIU.username) as room:
        assert await room.history() == said
