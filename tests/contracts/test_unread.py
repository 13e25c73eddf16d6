"""Unread counts are exact, whichever version stored the messages, and do not count them."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select, update

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.sql.schema.chat_tables import messages
from sidepro.domain.pagination import PageRequest
from sidepro.domain.rooms.message_writer import MessageWriter
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seed", range(5))
async def test_unread_counts_are_those_of_a_count(adapters: Adapters, seed: int) -> None:
    if adapters.database is None:
        pytest.skip("nothing is stored beside the messages")
    chance = random.Random(seed)
    one, other = factories.user(), factories.user()
    room = factories.room(one.id, other.id)
    await adapters.add(one, other, room)
    people = [one.id, other.id]
    writer = MessageWriter(adapters.unit_of_work, InProcessPubSub(), lambda: after(9))
    sent: list[int] = []
    read = [0, 0]
    for number in range(40):
        who = chance.randrange(2)
        match chance.randrange(5):
            case 0 if sent:
                seq = chance.randrange(1, len(sent) + 1)
                async with adapters.unit_of_work() as work:
                    stored = await work.rooms.get(room.id)
                    assert stored
                    await work.rooms.save(stored.read_by(people[who], seq))
                    await work.commit()
                read[who] = max(read[who], seq)
            case 1 if sent:  # as stored by the version before
                async with adapters.database.writing() as connection:
                    await connection.execute(
                        update(messages)
                        .where(messages.c.room_id == room.id)
                        .where(messages.c.seq >= chance.randrange(1, len(sent) + 1))
                        .values(low_count=None)
                    )
                    await adapters.database.commit(connection)
            case _:
                await writer.write(people[who], room.id, str(number), None)
                sent.append(who)
        for reader in (0, 1):
            expected = sum(author != reader for author in sent[read[reader] :])
            view = await adapters.rooms.room(room.id, people[reader])
            assert view
            assert view.unread_count == expected
            (listed,) = (await adapters.rooms.rooms(people[reader], PageRequest(limit=9))).items
            assert listed.unread_count == expected
            assert (await adapters.rooms.unread(people[reader])).messages == expected
    await writer.close()


async def test_messages_of_this_version_have_their_running_count(adapters: Adapters) -> None:
    if adapters.database is None:
        pytest.skip("nothing is stored beside the messages")
    one, other = factories.user(), factories.user()
    room = factories.room(one.id, other.id)
    await adapters.add(one, other, room)
    writer = MessageWriter(adapters.unit_of_work, InProcessPubSub(), lambda: after(9))
    low = min(one.id, other.id)
    authors = [low, low, max(one.id, other.id), low]
    for author in authors:
        await writer.write(author, room.id, "hello", None)
    rows = await adapters.database.fetch(
        select(messages.c.seq, messages.c.low_count).order_by(messages.c.seq)
    )
    assert [row.low_count for row in rows if row.low_count is not None] == [1, 2, 2, 3]
    await writer.close()
