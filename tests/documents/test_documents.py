"""Both documents pass the validators of their formats, and generated clients do the main job.

The validators and the TypeScript client are npm packages. The first test that needs them installs
them into the user's cache, which takes half a minute.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents.node_packages import FOLDER, run

if TYPE_CHECKING:
    from tests.servers import SideProServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MAIN_JOB = {
    *("signUp", "logIn", "replaceMyProfile", "createProject", "listProjects", "createComment"),
    *("addBookmark", "createChatRequest", "acceptChatRequest", "openRoom"),
    *("sendMessage", "listMessages", "markRoomRead"),
    *("listRecommendations", "exportMyData"),
}


DAMAGE = {
    "openapi.json": ('"operationId":"listRooms"', '"operationId":"listProjects"'),
    "asyncapi.json": ('"action":"send"', '"action":"shout"'),
}


@pytest.fixture(scope="session")
def problems(workshop: Path) -> str:
    """What the validators say of both documents, and of both with damage."""
    for name, (old, new) in DAMAGE.items():
        text = (workshop / name).read_text(encoding="utf-8")
        assert old in text
        (workshop / f"damaged-{name}").write_text(text.replace(old, new), encoding="utf-8")
    files = [*DAMAGE, *(f"damaged-{name}" for name in DAMAGE)]
    return run("node", "validate.mjs", *files, folder=workshop)


def test_the_validators_of_both_formats_find_nothing(problems: str) -> None:
    assert [line for line in problems.splitlines() if not line.startswith("damaged-")] == []


@pytest.mark.parametrize("name", DAMAGE)
def test_the_validators_find_damage(problems: str, name: str) -> None:
    assert f"damaged-{name}: " in problems


def test_a_strict_typescript_client_does_the_main_job(
    workshop: Path, server: SideProServer
) -> None:
    run("node_modules/.bin/openapi-typescript", "openapi.json", "-o", "api.ts", folder=workshop)
    run("node_modules/.bin/tsc", "-p", "tsconfig.json", folder=workshop)
    steps = run("node", "built/walk.js", server.url, folder=workshop)
    assert set(steps.split()) == MAIN_JOB


def test_a_generated_python_client_does_the_main_job(
    server: SideProServer, workshop: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    # The usual hooks only format the client.
    config.write_text("post_hooks: []\n", encoding="utf-8")
    generator = Path(sys.executable).with_name("openapi-python-client")
    run(
        *(str(generator), "generate", "--fail-on-warning", "--meta=none", f"--config={config}"),
        *(f"--path={workshop / 'openapi.json'}", f"--output-path={tmp_path / 'sidepro_client'}"),
        folder=tmp_path,
    )
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    steps = run(
        sys.executable, str(FOLDER / "walk.py"), server.url, folder=tmp_path, variables=variables
    )
    assert {camel(step) for step in steps.split()} == MAIN_JOB


def camel(name: str) -> str:
    first, *words = name.split("_")
    return first + "".join(word.capitalize() for word in words)


def test_the_lock_names_no_registry() -> None:
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
