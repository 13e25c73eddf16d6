"""The guide of the chat socket (`docs/chat.md`) matches the program, and its Python runs."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import (
    FROM_CLIENT,
    FROM_SERVER,
    PERSON_FROM_SERVER,
    REFUSALS,
)
from sidepro.api.chat.limits import FRAMES
from sidepro.api.chat.outbox import OUTBOX_SIZE
from sidepro.http.rate_limits import MESSAGES, TICKETS

if TYPE_CHECKING:
    from tests.clients import Client
    from tests.servers import SideProServer

GUIDE = (Path(__file__).parents[2] / "docs" / "chat.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table with this heading."""
    lines = GUIDE.split(f"{heading}\n", 1)[1].splitlines()[1:]
    table = lines[: lines.index("")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


@pytest.mark.parametrize(
    ("heading", "frames"),
    [
        ("| type | members | when |", FROM_SERVER),
        ("| type | members | |", FROM_CLIENT),
        ("| type | members | sent |", PERSON_FROM_SERVER),
    ],
)
def test_the_frame_tables_list_the_members_of_every_frame(
    heading: str, frames: dict[str, type[msgspec.Struct]]
) -> None:
    documented = {kind: re.findall(r"`(\w+)`", members) for kind, members, _ in rows(heading)}
    assert documented == {
        f"`{frame.__struct_config__.tag}`": list(frame.__struct_fields__)
        for frame in frames.values()
    }


def test_every_close_code_is_documented() -> None:
    documented = [tuple(row) for row in rows("| code | meaning | what to do |")]
    assert documented == [(f"{code:d}", code.meaning, code.reaction) for code in CloseCode]


def test_every_error_code_is_documented() -> None:
    codes = re.findall(r"`([\w-]+)`", " ".join(row[0] for row in rows("| code | what to do |")))
    assert sorted(codes) == sorted(error.code for error in REFUSALS)


def test_the_limits_are_documented() -> None:
    messages, tickets = MESSAGES["limit"], TICKETS["limit"]
    for statement in (
        f"{tickets.quota} tickets a minute",
        f"{messages.quota // messages.window} messages a second with bursts of {messages.quota}",
        f"{FRAMES.quota // FRAMES.window} frames of any type a second with",
        f"{OUTBOX_SIZE} frames waiting",
    ):
        assert statement in GUIDE


@pytest.mark.anyio
async def test_the_python_examples_run(
    one: Client, other: Client, room_id: str, server: SideProServer
) -> None:
    await other.call("POST", f"/rooms/{room_id}/messages", {"body": "먼저 왔어요"})
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))
    assert "recovered" in program
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env=environment
        | {"SERVER": server.url, "TOKEN": one.token, "ROOM": room_id, "PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        shown, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert shown.decode().startswith("1 먼저 왔어요\n")
