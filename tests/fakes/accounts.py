"""Users, profiles and sessions in memory."""

from dataclasses import replace
from datetime import datetime

from sidepro.domain.accounts.ports import MAX_KNOWN_ADDRESSES, TokenLookup
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import MAX_SESSIONS, RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import EmailTaken, UsernameTaken
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.projects.trending import day_of
from tests.fakes.moderation import MemoryModeration
from tests.fakes.projects import MemoryProjects
from tests.fakes.state import Repository


class MemoryUsers(Repository):
    """See `sidepro.domain.accounts.ports.UserRepository`."""

    async def add(self, user: User) -> None:
        for other in self._state.users.values():
            if other.id == user.id:
                continue
            if other.email_key == user.email_key:
                raise EmailTaken
            if other.username_key == user.username_key:
                raise UsernameTaken
        self._state.users[user.id] = user

    async def get(self, user_id: UserId) -> User | None:
        return self._state.users.get(user_id)

    async def get_for_deletion(self, user_id: UserId) -> User | None:
        return await self.get(user_id)

    async def save(self, user: User) -> None:
        await self.add(user)

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        self._must_be_there(user_id)
        known = self._state.known_addresses
        known[user_id, address] = now
        mine = [key for key in known if key[0] == user_id]
        for key in sorted(mine, key=lambda key: (known[key], key), reverse=True)[
            MAX_KNOWN_ADDRESSES:
        ]:
            del known[key]

    async def delete(self, user_id: UserId) -> None:
        state = self._state
        projects = MemoryProjects(state)
        for comment in [c for c in state.comments.values() if c.author_id == user_id]:
            del state.comments[comment.id]
            projects.count(comment.project_id, 0, -int(comment.is_counted))
        for key in [key for key in state.bookmarks if key[0] == user_id]:
            day = day_of(state.bookmarks.pop(key))
            projects.count(key[1], -1, 0)
            await projects.adjust_daily_bookmarks(key[1], day, -1)
        for project in [p for p in state.projects.values() if p.author_id == user_id]:
            await projects.delete(project.id)
        await MemorySessions(state).end_all(user_id)
        for place, message in list(state.messages.items()):
            if message.sender_id == user_id:
                state.messages[place] = replace(message, sender_id=None)
        for stored in [
            stored for stored in state.images.values() if stored.image.owner_id == user_id
        ]:
            ownerless = replace(stored.image, owner_id=None)
            state.images[stored.image.id] = replace(stored, image=ownerless)
        for token in [t for t in state.account_tokens.values() if t.user_id == user_id]:
            del state.account_tokens[token.digest]
        for mail in [mail for mail in state.mails.values() if mail.user_id == user_id]:
            del state.mails[mail.id]
        for digest, (owner, _) in list(state.unsubscribe_tokens.items()):
            if owner == user_id:
                del state.unsubscribe_tokens[digest]
        for request in [
            request
            for request in state.chat_requests.values()
            if user_id in (request.from_id, request.to_id)
        ]:
            del state.chat_requests[request.id]
        for pair in [pair for pair in state.blocks if user_id in pair]:
            del state.blocks[pair]
        for known in [known for known in state.known_addresses if known[0] == user_id]:
            del state.known_addresses[known]
        for request_key in [
            request_key for request_key in state.idempotency if request_key.user_id == user_id
        ]:
            del state.idempotency[request_key]
        MemoryModeration(state).forget(user_id)
        state.profiles.pop(user_id, None)
        del state.users[user_id]


class MemoryProfiles(Repository):
    """See `sidepro.domain.accounts.ports.ProfileRepository`."""

    async def get(self, user_id: UserId) -> Profile | None:
        return self._state.profiles.get(user_id)

    async def save(self, profile: Profile) -> None:
        self._must_be_there(profile.user_id)
        self._state.profiles[profile.user_id] = profile


class MemorySessions(Repository):
    """See `sidepro.domain.accounts.ports.SessionRepository`."""

    async def add(self, session: Session, token: RefreshToken | None) -> tuple[SessionId, ...]:
        self._must_be_there(session.user_id)
        active = [
            other
            for other in self._state.sessions.values()
            if other.user_id == session.user_id and not other.is_expired(session.created_at)
        ]
        active.sort(key=lambda other: (other.created_at, other.id))
        surplus = active[: max(0, len(active) + 1 - MAX_SESSIONS)]
        for other in surplus:
            await self.end(other.id, other.user_id)
        self._state.sessions[session.id] = session
        if token is not None:
            self._state.refresh_tokens[token.hash] = token
        return tuple(other.id for other in surplus)

    async def owner(self, token_hash: bytes) -> UserId | None:
        found = await self.find_token(token_hash)
        return None if found is None else found.session.user_id

    async def find_token(self, token_hash: bytes) -> TokenLookup | None:
        tokens = self._state.refresh_tokens
        token = tokens.get(token_hash)
        if token is None:
            return None
        successors = [other for other in tokens.values() if other.parent == token.hash]
        return TokenLookup(
            self._state.sessions[token.session_id],
            token,
            len(successors),
            any(successor.used_at is not None for successor in successors),
        )

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        self._state.sessions[session.id] = session
        if self._state.refresh_tokens[used.hash].used_at is None:
            self._state.refresh_tokens[used.hash] = replace(used, used_at=now)
        self._state.refresh_tokens[successor.hash] = successor

    async def record_use(self, session: Session) -> None:
        if session.id in self._state.sessions:
            self._state.sessions[session.id] = session

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        session = self._state.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        del self._state.sessions[session_id]
        tokens = self._state.refresh_tokens
        for token in [token for token in tokens.values() if token.session_id == session_id]:
            del tokens[token.hash]
        return True

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        mine = [s.id for s in self._state.sessions.values() if s.user_id == user_id]
        ended = tuple(session_id for session_id in mine if session_id != but)
        for session_id in ended:
            await self.end(session_id, user_id)
        return ended

    async def expire_all(self, user_id: UserId, now: datetime) -> tuple[SessionId, ...]:
        sessions = self._state.sessions
        active = [s for s in sessions.values() if s.user_id == user_id and not s.is_expired(now)]
        for session in active:
            sessions[session.id] = replace(session, expires_at=now)
        return tuple(session.id for session in active)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        expired = [
            session
            for session in self._state.sessions.values()
            if session.is_expired(now) and not self._state.users[session.user_id].is_suspended(now)
        ][:limit]
        for session in expired:
            await self.end(session.id, session.user_id)
        return len(expired)

    async def delete_used_tokens(self, used_before: datetime, limit: int) -> int:
        tokens = self._state.refresh_tokens
        used = [t for t in tokens.values() if t.used_at is not None and t.used_at < used_before]
        for token in used[:limit]:
            del tokens[token.hash]
        return len(used[:limit])
