"""A client of SidePro's coffee chat that loses and repeats nothing, whatever the network does.

    python docs/examples/chat_client.py http://127.0.0.1:8000 EMAIL PASSWORD USER_ID

opens the room with another user and shows its messages. A line that is typed is said; at the end
of the input the program waits until all of it is stored. It needs `httpx` and `websockets`.

What makes it reliable:

- It remembers the number of the last message that it has shown, and opens each socket with
  `?after=`: what it missed comes first. More than a thousand it reads over HTTP.
- It names each message (`client_id`), and keeps it until the message itself comes back. What was
  not acknowledged is sent again on the next socket: it is stored once, however often it comes.
- It sends one message at a time, so that what is repeated is not overtaken by what came later.
- After a drop it waits: a random time below a limit that doubles with each failure, so that the
  clients of a server that comes back do not all come in the same moment.
- Its access token is replaced before it is too old.
"""

import asyncio
import json
import random
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

Json = dict[str, Any]

FIRST_PAUSE = 0.5  # seconds: the limit of the first pause after a drop
LONGEST_PAUSE = 30.0
REPEAT_AFTER = 1.0  # seconds after which a message is repeated that could not be stored
NOT_AUTHENTICATED = 4401
GIVE_UP = {4400: "the server does not understand this client", 4404: "the room is gone"}
WORTH_REPEATING = ("unavailable", "rate-limited")


class Over(Exception):
    """There is no way on. The message says why."""


class Account:
    """A log-in that stays good."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has the server's address."""
        self.http = http
        self._tokens: Json = {}
        self._refresh_at = 0.0

    async def log_in(self, email: str, password: str) -> None:
        answer = await self.http.post(
            "/api/v1/sessions", json={"email": email, "password": password}
        )
        if answer.status_code in (401, 403, 422):
            raise Over(f"the log-in was refused: {answer.json()['detail']}")
        self._keep(answer)

    async def token(self) -> str:
        """An access token that is good for a while."""
        if time.monotonic() >= self._refresh_at:
            used = {"refresh_token": self._tokens["refresh_token"]}
            answer = await self.http.post("/api/v1/sessions/refresh", json=used)
            if answer.status_code == 401:
                raise Over("the session has ended: log in again")
            self._keep(answer)
        return str(self._tokens["access_token"])

    def distrust_token(self) -> None:
        """Have the next one be a new one."""
        self._refresh_at = 0.0

    async def request(self, method: str, path: str, **sent: Any) -> Json:
        """The answer to a call."""
        headers = {"Authorization": f"Bearer {await self.token()}"}
        answer = await self.http.request(method, f"/api/v1{path}", headers=headers, **sent)
        answer.raise_for_status()
        return dict(answer.json())

    def _keep(self, answer: httpx.Response) -> None:
        answer.raise_for_status()
        self._tokens = answer.json()
        self._refresh_at = time.monotonic() + 0.8 * self._tokens["expires_in"]


class Chat:
    """One room. `shown` gets each message once, in the order of their numbers."""

    def __init__(
        self, account: Account, room_id: str, shown: Callable[[Json], None], last_seq: int = 0
    ) -> None:
        self.last_seq = last_seq
        self._account = account
        self._room_id = room_id
        self._shown = shown
        self._unstored: dict[str, str] = {}  # bodies by client id, in the order of saying
        self._repeat = False
        self._failures = 0
        self._news = asyncio.Condition()

    async def say(self, body: str) -> None:
        """Say something, now or as soon as there is a way."""
        async with self._news:
            self._unstored[secrets.token_hex(8)] = body
            self._news.notify_all()

    async def all_stored(self) -> None:
        """Wait until the server has all that was said."""
        async with self._news:
            await self._news.wait_for(lambda: not self._unstored)

    async def run(self) -> None:
        """Stay in the room until it is over, through as many sockets as it takes.

        Raises:
            Over: there is no way on.
        """
        while True:
            try:
                await self._talk()
            except InvalidStatus as refusal:
                if refusal.response.status_code == 403:
                    raise Over("the server does not let us in") from refusal
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code in GIVE_UP:
                    raise Over(GIVE_UP[code]) from closed
                if code == NOT_AUTHENTICATED:
                    self._account.distrust_token()
            except (OSError, TimeoutError, InvalidHandshake, httpx.HTTPError):
                pass  # the server or the way to it is away
            limit = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
            self._failures += 1
            await asyncio.sleep(random.uniform(0, limit))

    async def _talk(self) -> None:
        """One socket, until it breaks."""
        headers = {"Authorization": f"Bearer {await self._account.token()}"}
        address = str(self._account.http.base_url.join(f"/api/v1/rooms/{self._room_id}/socket"))
        address = f"{address.replace('http', 'ws', 1)}?after={self.last_seq}"
        async with connect(address, additional_headers=headers) as socket:
            saying = None
            try:
                async for text in socket:
                    frame = json.loads(text)
                    await self._hear(frame)
                    if frame["type"] == "status" and saying is None:
                        # now all that was missed is here, with what was acknowledged by it
                        self._failures = 0
                        saying = asyncio.create_task(self._say_all(socket))
            finally:
                if saying:
                    saying.cancel()
                    await asyncio.gather(saying, return_exceptions=True)
        raise ConnectionClosed(None, None)  # closed well, and not by us

    async def _hear(self, frame: Json) -> None:
        match frame["type"]:
            case "hello" if not frame["recovered"]:
                await self._read_up_to(frame["last_seq"])
            case "message":
                await self._take(frame["message"])
            case "error" if frame["client_id"] in self._unstored:
                async with self._news:
                    if frame["code"] in WORTH_REPEATING:
                        self._repeat = True
                    else:
                        body = self._unstored.pop(frame["client_id"])
                        print(f"not said: {body} ({frame['detail']})", file=sys.stderr)
                    self._news.notify_all()

    async def _read_up_to(self, seq: int) -> None:
        """Read over HTTP what is too much for a replay."""
        while self.last_seq < seq:
            query = {"after": self.last_seq, "limit": 100}
            path = f"/rooms/{self._room_id}/messages"
            history = await self._account.request("GET", path, params=query)
            for message in history["items"]:
                if message["seq"] <= seq:
                    await self._take(message)

    async def _take(self, message: Json) -> None:
        if message["seq"] > self.last_seq:
            self.last_seq = message["seq"]
            self._shown(message)
        async with self._news:
            self._unstored.pop(message["client_id"], None)
            self._news.notify_all()

    async def _say_all(self, socket: ClientConnection) -> None:
        while True:
            async with self._news:
                await self._news.wait_for(lambda: bool(self._unstored))
                client_id, body = next(iter(self._unstored.items()))
                self._repeat = False
            frame = {"type": "send", "client_id": client_id, "body": body}
            await socket.send(json.dumps(frame))
            await self._answered(client_id)
            if self._repeat:
                await asyncio.sleep(REPEAT_AFTER)

    async def _answered(self, client_id: str) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._repeat or client_id not in self._unstored)


async def lines_of_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def main(server: str, email: str, password: str, user_id: str) -> None:
    async with httpx.AsyncClient(base_url=server) as http:
        account = Account(http)
        await account.log_in(email, password)
        room = await account.request("POST", "/rooms", json={"user_id": user_id})

        def show(message: Json) -> None:
            theirs = message["sender_id"] == user_id
            print(message["seq"], "<" if theirs else ">", message["body"], flush=True)

        chat = Chat(account, room["id"], show)

        async def talk() -> None:
            async for line in await lines_of_input():
                if line.strip():
                    await chat.say(line.decode().rstrip("\n"))
            await chat.all_stored()

        tasks = [asyncio.create_task(chat.run()), asyncio.create_task(talk())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: chat_client.py SERVER EMAIL PASSWORD USER_ID")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Over as end:
        sys.exit(f"chat_client.py: {end}")
    except httpx.HTTPError as error:
        sys.exit(f"chat_client.py: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        pass
