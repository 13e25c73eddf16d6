"""A client of SidePro's coffee chat that loses and repeats no message over a bad network.

    python docs/examples/chat_client.py http://127.0.0.1:8000 EMAIL PASSWORD USER_ID

It opens the room with another user and prints its messages. Each line of input is sent. At the end
of the input the program waits until all messages are stored. It needs `httpx` and `websockets`.

These rules make it reliable:

- It remembers the number of the last message it printed and opens each socket with `?after=`, so
  missed messages come first. More than a thousand are read over HTTP.
- It sends the `epoch` of the last `hello` with it. If the server was restored from a backup, the
  numbers may stand for other messages, so it forgets the room and shows it again.
- It gives each message a `client_id` and keeps the message until it comes back. Unacknowledged
  messages are sent again on the next socket. The server stores each once.
- It sends one message at a time, so a retry is not overtaken by a later message. A refused message
  is sent again after growing delays, or given up if a repeat cannot help; then the next one goes.
  After some refusals it tries the next one between. If that is stored, the first one goes last.
- It gives up a message for which the server closes the socket, as one that is too large.
- It reconnects after a random delay below a limit that doubles with each failure, so the
  clients of a restarted server do not all connect at the same moment.
- It refreshes its access token before it expires.
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

FIRST_BACKOFF = 0.5  # seconds: the upper bound of the first delay
MAX_BACKOFF = 30.0
RETRY_DELAY = 1.0  # seconds before a refused message is sent again, doubled each time
PATIENCE = 3  # refusals of a message before the next one is tried
NOT_AUTHENTICATED = 4401
MESSAGE_REFUSED = (1002, 1003, 1007, 1009, 4400)  # the frame, and not the network, is at fault
FATAL_CODES = {4400: "the server does not understand this client", 4404: "the room does not exist"}
FATAL_STATUSES = (400, 403, 404, 426, 431)  # of a refused connection
RETRYABLE = ("unavailable", "rate-limited")


class ChatError(Exception):
    """The chat cannot continue. The message has the reason."""


class Account:
    """A logged-in user with a valid access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has the server's base URL."""
        self.http = http
        self._tokens: Json = {}
        self._refresh_at = 0.0

    async def log_in(self, email: str, password: str) -> None:
        answer = await self.http.post(
            "/api/v1/sessions", json={"email": email, "password": password}
        )
        if answer.status_code in (401, 403, 422):
            raise ChatError(f"the log-in was refused: {answer.json()['detail']}")
        self._store_tokens(answer)

    async def token(self) -> str:
        """A valid access token; refreshed when 80 % of its life is over."""
        if time.monotonic() >= self._refresh_at:
            body = {"refresh_token": self._tokens["refresh_token"]}
            answer = await self.http.post("/api/v1/sessions/refresh", json=body)
            if answer.status_code in (401, 403):
                raise ChatError(f"the session has ended: {answer.json()['detail']}")
            self._store_tokens(answer)
        return str(self._tokens["access_token"])

    def expire_token(self) -> None:
        """Refresh the token before its next use."""
        self._refresh_at = 0.0

    async def request(self, method: str, path: str, **arguments: Any) -> Json:
        """The body of a successful call."""
        headers = {"Authorization": f"Bearer {await self.token()}"}
        answer = await self.http.request(method, f"/api/v1{path}", headers=headers, **arguments)
        answer.raise_for_status()
        return dict(answer.json())

    def _store_tokens(self, answer: httpx.Response) -> None:
        answer.raise_for_status()
        self._tokens = answer.json()
        self._refresh_at = time.monotonic() + 0.8 * self._tokens["expires_in"]


class Chat:
    """A room. Calls `show` once for each message, in the order of their numbers."""

    def __init__(
        self, account: Account, room_id: str, show: Callable[[Json], None], last_seq: int = 0
    ) -> None:
        self.last_seq = last_seq
        self._account = account
        self._room_id = room_id
        self._show = show
        self._pending: dict[str, str] = {}  # bodies by client id, oldest first
        self._retry = False
        self._retries = 0
        self._failures = 0
        self._epoch = ""
        self._in_flight: str | None = None  # the client id of the message that was sent last
        self._changed = asyncio.Condition()

    async def send(self, body: str) -> None:
        """Queue a message. It is sent now or after the next connect."""
        async with self._changed:
            self._pending[secrets.token_hex(8)] = body
            self._changed.notify_all()

    async def wait_until_stored(self) -> None:
        """Wait until the server has stored all messages."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._pending)

    async def run(self) -> None:
        """Stay connected, with a new socket after each drop.

        Raises:
            ChatError: a new connection would not help.
        """
        while True:
            try:
                await self._run_socket()
            except InvalidStatus as rejected:
                if rejected.response.status_code in FATAL_STATUSES:
                    raise ChatError("the server refused the connection") from rejected
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code in MESSAGE_REFUSED and self._in_flight in self._pending:
                    await self._drop(self._in_flight, f"the server closed with {code}")
                elif code in FATAL_CODES or code in MESSAGE_REFUSED:
                    raise ChatError(FATAL_CODES.get(code, FATAL_CODES[4400])) from closed
                if code == NOT_AUTHENTICATED:
                    self._account.expire_token()
            except (OSError, TimeoutError, InvalidHandshake, httpx.HTTPError):
                pass  # the server or the network is down
            limit = min(MAX_BACKOFF, FIRST_BACKOFF * 2**self._failures)
            self._failures += 1
            await asyncio.sleep(random.uniform(0, limit))

    async def _run_socket(self) -> None:
        """Use one socket until it closes."""
        headers = {"Authorization": f"Bearer {await self._account.token()}"}
        url = str(self._account.http.base_url.join(f"/api/v1/rooms/{self._room_id}/socket"))
        url = f"{url.replace('http', 'ws', 1)}?after={self.last_seq}"
        if self._epoch:
            url += f"&epoch={self._epoch}"
        async with connect(url, additional_headers=headers) as socket:
            sender = None
            try:
                async for text in socket:
                    frame = json.loads(text)
                    await self._handle(frame)
                    if frame["type"] == "status" and sender is None:
                        # All missed messages are here, so `_pending` has only unstored ones.
                        self._failures = 0
                        sender = asyncio.create_task(self._send_pending(socket))
            finally:
                if sender:
                    sender.cancel()
                    await asyncio.gather(sender, return_exceptions=True)
        raise ConnectionClosed(None, None)  # closed normally by the server

    async def _handle(self, frame: Json) -> None:
        match frame["type"]:
            case "hello":
                if self._epoch not in ("", frame["epoch"]):
                    self.last_seq = 0  # the server was restored from a backup
                self._epoch = frame["epoch"]
                if not frame["recovered"]:
                    await self._read_history_up_to(frame["last_seq"])
            case "message":
                await self._show_message(frame["message"])
            case "error" if frame["client_id"] in self._pending:
                if frame["code"] in RETRYABLE:
                    async with self._changed:
                        self._retry = True
                        self._changed.notify_all()
                else:
                    await self._drop(frame["client_id"], frame["detail"])

    async def _drop(self, client_id: str, reason: str) -> None:
        """Forget a message that the server will never store."""
        async with self._changed:
            body = self._pending.pop(client_id)
            self._changed.notify_all()
        print(f"not sent: {body[:80]} ({reason})", file=sys.stderr)

    async def _read_history_up_to(self, seq: int) -> None:
        """Read over HTTP when there are too many messages for a replay."""
        while self.last_seq < seq:
            query = {"after": self.last_seq, "limit": 100}
            path = f"/rooms/{self._room_id}/messages"
            history = await self._account.request("GET", path, params=query)
            for message in history["items"]:
                if message["seq"] <= seq:
                    await self._show_message(message)

    async def _show_message(self, message: Json) -> None:
        if message["seq"] > self.last_seq:
            self.last_seq = message["seq"]
            self._show(message)
        async with self._changed:
            self._pending.pop(message["client_id"], None)
            self._changed.notify_all()

    async def _send_pending(self, socket: ClientConnection) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._pending))
                first, *others = self._pending
                # Is only this message refused, or any?
                is_probe = bool(others) and self._retries >= PATIENCE and self._retries % 2 == 1
                client_id = others[0] if is_probe else first
                body = self._pending[client_id]
                self._retry = False
            frame = {"type": "send", "client_id": client_id, "body": body}
            self._in_flight = client_id
            await socket.send(json.dumps(frame))
            await self._wait_for_answer(client_id)
            if is_probe and not self._retry and first in self._pending:
                self._pending[first] = self._pending.pop(first)
            self._retries = self._retries + 1 if self._retry else 0
            if self._retry:
                await asyncio.sleep(min(MAX_BACKOFF, RETRY_DELAY * 2 ** (self._retries - 1)))

    async def _wait_for_answer(self, client_id: str) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._retry or client_id not in self._pending)


async def open_room(account: Account, user_id: str) -> Json:
    """The room with a person.

    Raises:
        ChatError: there is none, and the person wants a chat request first, or takes no chats.
    """
    try:
        return await account.request("POST", "/rooms", json={"user_id": user_id})
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code in (403, 404, 409, 422):
            detail = refused.response.json()["detail"]
            raise ChatError(f"no room with this person: {detail}") from refused
        raise


async def stdin_reader() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def main(server: str, email: str, password: str, user_id: str) -> None:
    async with httpx.AsyncClient(base_url=server) as http:
        account = Account(http)
        await account.log_in(email, password)
        room = await open_room(account, user_id)

        def show(message: Json) -> None:
            theirs = message["sender_id"] == user_id
            print(message["seq"], "<" if theirs else ">", message["body"], flush=True)

        chat = Chat(account, room["id"], show)

        async def send_lines() -> None:
            async for line in await stdin_reader():
                if line.strip():
                    await chat.send(line.decode().rstrip("\n"))
            await chat.wait_until_stored()

        tasks = [asyncio.create_task(chat.run()), asyncio.create_task(send_lines())]
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
    except ChatError as end:
        sys.exit(f"chat_client.py: {end}")
    except httpx.HTTPError as error:
        sys.exit(f"chat_client.py: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        pass
