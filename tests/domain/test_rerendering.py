"""All projects rendered again, after a change of the rendering rules."""

from dataclasses import replace
from typing import Any

from sidepro.domain.ids import UserId
from tests.domain.services import DRAFT, Services, awaited
from tests.factories import always


def upper_html(text: str) -> str:
    return f"<p>{text.upper()}</p>"


async def render_upper(text: str, writer: UserId | None = None) -> str:
    """A renderer with changed rules."""
    return upper_html(text)


@awaited
async def test_rerendering_changes_the_html_of_all_projects_and_nothing_else(
    services: Services,
) -> None:
    author = await services.person()
    projects = [await services.project(author, content=f"text {n}") for n in range(230)]
    services.use(projects={"markdown": render_upper})
    progress: list[tuple[int, int]] = []
    assert await services.projects.rerender_all(lambda *numbers: progress.append(numbers)) == 230
    assert progress == [(100, 100), (200, 200), (230, 230)]
    for project in projects:
        stored = services.store.state.projects[project.id]
        assert stored == replace(project, content_html=upper_html(project.content))
    assert await services.projects.rerender_all(lambda *_: None) == 0


@awaited
async def test_rerendering_does_not_undo_a_concurrent_edit_or_delete(services: Services) -> None:
    author = await services.person()
    edited, deleted, same = [await services.project(author, content=c) for c in ("a", "b", "C")]
    services.use(projects={"markdown": render_upper})
    read = services.reader.texts

    async def then_others_change_them(after: Any, limit: int) -> Any:
        texts = await read(after, limit)
        if after is None:
            await services.projects.edit(author, edited.id, {"content": "new"}, None)
            await services.projects.delete(author, deleted.id)
        return texts

    services.reader.texts = then_others_change_them  # type: ignore[method-assign]  # patched for this test
    assert await services.projects.rerender_all(lambda *_: None) == 1
    remaining = services.store.state.projects
    assert remaining.keys() == {edited.id, same.id}
    stored = remaining[edited.id]
    assert (stored.content, stored.content_html, stored.revision) == ("new", "<p>NEW</p>", 2)


@awaited
async def test_images_referenced_after_rerendering_are_kept(services: Services) -> None:
    author = await services.person()
    image = await services.image(author)
    await services.project(author)
    html = f'<img src="{image.url}" alt="">'
    services.use(projects={"markdown": always(html)})
    await services.projects.rerender_all(lambda *_: None)
    services.clock.forward(3 * 24 * 3600)
    assert await services.images.remove_unused() == 0


@awaited
async def test_rerendering_records_references_that_older_versions_did_not_know(
    services: Services,
) -> None:
    author = await services.person()
    image = await services.image(author)
    services.use(projects={"markdown": always(f'<a href="{image.url}">x</a>')})
    await services.projects.publish(author, **DRAFT)
    services.store.state.image_references.clear()
    assert await services.projects.rerender_all(lambda *_: None) == 0
    services.clock.forward(3 * 24 * 3600)
    assert await services.images.remove_unused() == 0


@awaited
async def test_images_of_older_texts_get_their_size(services: Services) -> None:
    author = await services.person()
    image = await services.image(author)
    project = await services.project(author)
    services.use(projects={"markdown": always(f'<img src="{image.url}" alt="">')})
    await services.projects.rerender_all(lambda *_: None)
    html = (await services.projects.get(project.id, None)).content_html
    size = f'width="{image.width}" height="{image.height}"'
    assert html == f'<img src="{image.url}" alt="" {size}>'
