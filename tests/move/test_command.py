"""`sidepro move`: a community that goes on, kills, images, and what is refused."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.cli.seed_options import SMALL
from tests.clients import Client, http_client
from tests.databases import settings_of
from tests.image_files import picture, saved
from tests.servers import ServerError, SideProServer, free_port, settings, sidepro_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients import Json
    from tests.servers import Postgres
    from tests.servers.s3 import S3

pytestmark = [pytest.mark.servers]


def outcome(*arguments: str, **environment: str) -> tuple[int, str, str]:
    done = sidepro_process.run(
        *arguments, environment=settings(environment), folder=Path.cwd(), seconds=90
    )
    return done.returncode, done.stdout, done.stderr


def refusal(*arguments: str, **environment: str) -> str:
    """The one line of a refused move."""
    code, out, err = outcome("move", *arguments, **environment)
    assert code != 0, out
    assert "Traceback" not in err, err
    return err.splitlines()[-1].removeprefix("sidepro: ")


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as address:
        yield address


@pytest.fixture
def seeded(tmp_path: Path) -> dict[str, str]:
    """The settings of an embedded installation with demo data."""
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path / "data")}
    code, _, err = outcome("seed", *SMALL, "--pictures=8", **environment)
    assert code == 0, err
    return environment


@pytest.mark.anyio
async def test_the_moved_community_goes_on(database: str, tmp_path: Path) -> None:
    public = {"SIDEPRO_PUBLIC_URL": f"http://127.0.0.1:{free_port()}"}
    folder = tmp_path / "data"
    with SideProServer({**public, "SIDEPRO_DATA_DIR": str(folder)}) as embedded:
        async with http_client(embedded.url) as http:
            mine, other = await Client.sign_up(http), await Client.sign_up(http)
            before = await write_community(mine, other)
        embedded.terminate()
        told = embedded.run("move", "--to", database)
        assert "all tables are the same" in told
        assert f"SIDEPRO_SECRET_KEY_FILE={folder}/secret.key" in told
        assert f"SIDEPRO_IMAGES_URL={folder}/images" in told
        assert database not in told, "it contains a password"
    moved = {
        **public,
        "SIDEPRO_DATABASE_URL": database,
        "SIDEPRO_SECRET_KEY_FILE": str(folder / "secret.key"),
        "SIDEPRO_IMAGES_URL": str(folder / "images"),
    }
    with SideProServer(moved) as server:
        async with http_client(server.url) as http:
            mine.http = other.http = http
            await check_community(mine, other, before)


async def write_community(mine: Client, other: Client) -> Json:
    image = await mine.upload(saved(picture()))
    await mine.write_profile(image_id=image["id"])
    project = await mine.publish(title="동네 카페 지도")
    await other.call("PUT", f"/projects/{project['id']}/bookmark")
    await other.call("POST", f"/projects/{project['id']}/comments", {"body": "좋아요"})
    room_id = await mine.open_room_with(other)
    for number in range(1, 4):
        message = {"body": f"{number}", "client_id": f"{number}"}
        await mine.call("POST", f"/rooms/{room_id}/messages", message)
    refresh = await mine.call(
        "POST", "/sessions", {"email": mine.email, "password": mine.password}
    )
    return {
        "project": project["id"],
        "room": room_id,
        "refresh_token": refresh["refresh_token"],
        "image": (await mine.call("GET", "/me"))["profile"]["image_url"],
    }


async def check_community(mine: Client, other: Client, before: Json) -> None:
    """With the access tokens from before the move."""
    project = await other.call("GET", f"/projects/{before['project']}")
    assert (project["bookmark_count"], project["comment_count"]) == (1, 1)
    assert project["bookmarked"]
    found = await mine.call("GET", "/projects?q=카페")
    assert [one["id"] for one in found["items"]] == [before["project"]]
    assert (await mine.http.get(before["image"])).status_code == 200
    async with other.chat(before["room"], after=1) as socket:
        assert [message["seq"] for message in socket.missed] == [2, 3]
        again = {"body": "3", "client_id": "3"}
        assert (await mine.call("POST", f"/rooms/{before['room']}/messages", again))["seq"] == 3
        message = {"body": "4", "client_id": "4"}
        await mine.call("POST", f"/rooms/{before['room']}/messages", message)
        assert (await socket.message())["seq"] == 4
    await mine.log_in()
    token = {"refresh_token": before["refresh_token"]}
    assert (await mine.call("POST", "/sessions/refresh", token))["access_token"]
    await mine.publish(title="새 글")


def test_a_killed_move_goes_on_where_it_was_and_is_not_served_before(
    database: str, seeded: dict[str, str], tmp_path: Path
) -> None:
    arguments = ("--users=40", "--projects=300", "--rooms=20", "--messages-per-room=200")
    environment = {"SIDEPRO_DATA_DIR": f"{seeded['SIDEPRO_DATA_DIR']}-large"}
    code, _, err = outcome("seed", *arguments, "--pictures=1", **environment)
    assert code == 0, err
    kills = 0
    with psycopg.connect(database, autocommit=True) as watching:
        while kills < 2:
            reached = copied_tables(watching)
            process = sidepro_process.start(
                ["move", "--to", database],
                environment=settings(environment),
                folder=tmp_path,
                out=tmp_path / "said",
            )
            while copied_tables(watching) <= reached + 2:
                assert process.poll() is None, (tmp_path / "said").read_text("utf-8")
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        unfinished = {**settings_of(database, Path(environment["SIDEPRO_DATA_DIR"]))}
        with pytest.raises(ServerError, match="contains an unfinished move"):
            SideProServer(unfinished).start()
        code, out, err = outcome("move", "--to", database, **environment)
        assert code == 0, err
        (messages,) = watching.execute("SELECT count(*) FROM messages").fetchone() or (0,)
    assert messages == 20 * 200
    assert "all tables are the same" in out


def copied_tables(watching: psycopg.Connection) -> int:
    with contextlib.suppress(psycopg.errors.UndefinedTable):
        row = watching.execute("SELECT copied_tables FROM sidepro_move").fetchone()
        return int(row[0]) if row else 0
    return 0


def test_images_are_copied_to_the_bucket(database: str, seeded: dict[str, str], s3: S3) -> None:
    bucket = s3.fresh_bucket()
    environment = {
        **settings_of(database, Path(seeded["SIDEPRO_DATA_DIR"])),
        "SIDEPRO_IMAGES_URL": f"s3://{bucket}/pictures",
        "SIDEPRO_S3_ENDPOINT": s3.url,
    }
    code, out, err = outcome("move", **environment)
    assert code == 0, err
    folder = Path(seeded["SIDEPRO_DATA_DIR"]) / "images"
    images = {f"pictures/{file.name}": file.read_bytes() for file in folder.iterdir()}
    objects = s3.everything(bucket)
    assert objects.keys() == images.keys()
    assert all(data.endswith(images[key]) for key, data in objects.items())
    assert all(b"'image/webp'" in data[:40] for data in objects.values())
    assert f"copied {len(images)} images to s3://{bucket}/pictures" in out
    assert "SIDEPRO_IMAGES_URL" not in out.partition("to serve")[2]


def test_a_move_of_a_served_or_old_database_is_refused(
    database: str, seeded: dict[str, str], tmp_path: Path
) -> None:
    file = f"sqlite:///{seeded['SIDEPRO_DATA_DIR']}/sidepro.sqlite3"
    with SideProServer(seeded):
        line = refusal("--from", file, "--to", database)
    assert line == f"`sidepro serve` runs on {file}: stop it first"
    old = f"{tmp_path}/old.sqlite3"
    Path(old).touch()
    line = refusal("--from", f"sqlite:///{old}", "--to", database)
    assert "is at revision none" in line
    assert "run `sidepro migrate --contract` on it first" in line


def test_a_move_to_a_served_database_is_refused(
    database: str, seeded: dict[str, str], tmp_path: Path
) -> None:
    served = settings_of(database, tmp_path / "served")
    assert outcome("migrate", **served)[0] == 0
    with SideProServer(served):
        line = refusal("--to", database, **seeded)
    assert "`sidepro serve` runs on postgresql://" in line


def test_a_move_needs_an_embedded_source_and_postgresql(tmp_path: Path) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path / "data")}
    file = f"sqlite:///{tmp_path}/none.sqlite3"
    url = "postgresql://one:geheim@127.0.0.1:1/two"
    assert refusal("--from", file, "--to", file, **environment) == "--to must be postgresql://…"
    line = refusal("--from", url, "--to", url, **environment)
    assert line == "--from must be an embedded database, sqlite:///path"
    line = refusal("--from", file, "--to", url, **environment)
    assert line == f"{tmp_path}/none.sqlite3 does not exist"
    Path(tmp_path / "none.sqlite3").touch()
    line = refusal("--from", file, "--to", url, **environment)
    assert line.startswith("cannot use the database postgresql://one:***@127.0.0.1:1/two")
    assert not (tmp_path / "data").exists()
