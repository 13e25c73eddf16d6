"""One socket of a person's stream: `hello` with the badges, then their changes."""

import asyncio

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import BadgesHelloFrame, ErrorFrame, encode
from sidepro.api.chat.handshake import Socket
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import MAX_BAD_FRAMES
from sidepro.api.chat.outbox import Frame, Outbox
from sidepro.api.chat.person_events import badge_frame
from sidepro.domain.channels import Channel
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.identity import Caller
from sidepro.domain.person_stream.person_stream_service import PersonStreamService
from sidepro.domain.violations import FieldCode, Violation
from sidepro.domain.waiting import continue_waits, end_waits

_NOTHING_TO_SEND = InvalidInput(
    FieldError(Violation(FieldCode.NOT_VALID, "is not expected: this socket takes no frames"))
)


class PersonSession:
    """One socket of a person. It is no presence."""

    def __init__(
        self, socket: Socket, caller: Caller, hub: Hub, stream: PersonStreamService
    ) -> None:
        self._socket = socket
        self._caller = caller
        self._hub = hub
        self._stream = stream
        self._outbox = Outbox(caller.id, caller.session_id)
        self._badges = ""

    async def run(self) -> CloseCode | None:
        """Serve the socket. Returns its close code, or `None` if the client disconnected.

        Raises:
            Unavailable: a store is down.
        """
        channel = Channel.person(self._caller.id)
        await self._hub.join(channel, self._outbox)
        try:
            return await self._outbox.run(self._send_loop(), self._receive_loop())
        finally:
            end_waits()
            await self._hub.leave(channel, self._outbox)

    async def _send_loop(self) -> None:
        continue_waits()  # of the opening
        self._outbox.drop_statuses()
        badges = await self._stream.badges(self._caller.id)
        self._badges = badge_frame(badges).text
        await self._send(
            encode(
                BadgesHelloFrame(
                    badges.unread_rooms,
                    badges.unread_messages,
                    badges.unread_notifications,
                    badges.pending_requests,
                )
            )
        )
        end_waits()
        while True:
            frame = await self._outbox.frames.get()
            if frame.is_status:
                if frame.text == self._badges:
                    continue
                self._badges = frame.text
            await self._send(frame.text)

    async def _receive_loop(self) -> CloseCode | None:
        for _ in range(MAX_BAD_FRAMES):
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return None
            error = ErrorFrame(_NOTHING_TO_SEND.code, _NOTHING_TO_SEND.detail, None)
            self._outbox.put(Frame(encode(error)))
            # Received frames may be queued: let the send loop run between them.
            await asyncio.sleep(0)
        return CloseCode.INVALID

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text, "bytes": None})
