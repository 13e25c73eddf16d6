"""The targets of cases: whether a caller sees one, its snapshot, and hiding it.

The JSON of snapshots, by kind. It names nobody, but for the profile of a reported person, which is
erased when they withdraw.

    project: title, summary, content, repository_url, skills
    comment: project_id, body, created_at
    message: seq, body, sent_at
    user: username, bio, github_url
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sidepro.domain.accounts.views import AccountView
from sidepro.domain.errors import NotFound, ensure_found
from sidepro.domain.ids import CommentId, ProjectId, RoomId, UserId
from sidepro.domain.moderation.case import Case
from sidepro.domain.moderation.ports import ModerationUnitOfWork, StoredItem
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.events import publish_room_change
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.visibility import Viewer, Visibility

MESSAGES_AROUND = 10
"""Other messages in the snapshot of a message: as many before as after, if there are enough."""


@dataclass(frozen=True, slots=True)
class Content:
    """A target as it is now. What belongs to it is locked."""

    target: Target
    project: Project | None = None
    comment: Comment | None = None
    room: Room | None = None
    messages: tuple[Message, ...] = ()
    account: AccountView | None = None

    @property
    def message(self) -> Message | None:
        """The message itself, of those around it."""
        return next((one for one in self.messages if one.seq == self.target.seq), None)

    @property
    def author_id(self) -> UserId | None:
        """The author, or the person; `None` for a message whose sender withdrew."""
        if self.account is not None:
            return self.account.id
        if self.message is not None:
            return self.message.sender_id
        content = self.comment or self.project
        return None if content is None else content.author_id

    def authorize(self, viewer: Viewer) -> None:
        """Check that the viewer can see the target.

        Raises:
            NotFound: they cannot.
        """
        is_hidden = self.project is not None and not self.project.is_visible_to(viewer)
        if self.comment is not None:
            is_hidden = is_hidden or not self.comment.is_visible_to(viewer)
        if self.room is not None:
            is_hidden = viewer.id is None or not self.room.is_open_to(viewer.id)
        if self.message is not None:
            message = self.message
            is_hidden = is_hidden or not viewer.sees(message.visibility, message.sender_id)
        if is_hidden:
            raise NotFound

    def snapshot(self) -> tuple[StoredItem, ...]:
        """What a case keeps."""
        match self.target.kind:
            case TargetKind.PROJECT:
                return (_project_item(ensure_found(self.project)),)
            case TargetKind.COMMENT:
                return (_comment_item(ensure_found(self.comment)),)
            case TargetKind.MESSAGE:
                return tuple(_message_item(message) for message in self.messages)
            case TargetKind.USER:
                return (_person_item(ensure_found(self.account)),)


async def load_content(work: ModerationUnitOfWork, target: Target) -> Content | None:
    """The target, locked after its people; `None` if it is gone. Call this before the case is
    locked: everybody's order is people, project or room, notifications, comment, case.
    """
    await work.moderation.lock_people(target)
    match target.kind:
        case TargetKind.PROJECT:
            project = await work.projects.get(ProjectId(target.id))
            return None if project is None else Content(target, project=project)
        case TargetKind.COMMENT:
            return await _load_comment(work, target)
        case TargetKind.MESSAGE:
            return await _load_message(work, target)
        case TargetKind.USER:
            account = await work.account_reader.account(UserId(target.id))
            return None if account is None else Content(target, account=account)


@dataclass(frozen=True, slots=True)
class CaseEffects:
    """What a changed case did to others: notifications that came or went, and the room of a
    message that was hidden or shown again.
    """

    entries: Sequence[ChangedEntry] = ()
    room: Room | None = None

    async def publish(self, notifier: Notifier) -> None:
        """Tell those whose lists changed. Call this after the commit."""
        await notifier.publish(self.entries)
        if self.room is not None:
            await publish_room_change(notifier.events, self.room.id, self.room.user_ids)


async def save_case(
    work: ModerationUnitOfWork, before: Case, after: Case, content: Content | None
) -> CaseEffects:
    """Store a changed case, and hide, remove or restore what it is about."""
    effects = CaseEffects()
    if after.visibility is not before.visibility:
        entries = await set_visibility(work, content, after.visibility)
        effects = CaseEffects(entries, content.room if content else None)
    await work.moderation.save(after)
    return effects


async def set_visibility(
    work: ModerationUnitOfWork, content: Content | None, visibility: Visibility
) -> Sequence[ChangedEntry]:
    """Hide, remove or restore content, with the counter of comments. Does nothing for a person,
    and for what is gone. Returns the notifications that went with what is hidden.
    """
    changes: Sequence[ChangedEntry] = ()
    is_hidden = visibility is not Visibility.VISIBLE
    if content is None:
        return changes
    if content.comment is not None:
        comment = content.comment
        if is_hidden:
            changes = await work.notifications.remove_comment(comment.id)
        await work.comments.set_visibility(comment.id, visibility)
        change = int(visibility is Visibility.VISIBLE) - int(comment.is_counted)
        if change:
            await work.projects.count_comments(comment.project_id, change)
    elif content.project is not None:
        if is_hidden:
            changes = await work.notifications.remove_project(content.project.id)
        await work.projects.set_visibility(content.project, visibility)
    elif content.message is not None:
        message = content.message
        await work.rooms.set_visibility(message.room_id, message.seq, visibility)
    return changes


async def delete_content(work: ModerationUnitOfWork, content: Content | None) -> None:
    """Delete removed content for good. A message keeps its number."""
    if content is None:
        return
    if content.comment is not None:
        await work.comments.delete(content.comment.id)
    elif content.project is not None:
        await work.projects.delete(content.project.id)
    elif content.message is not None:
        await work.rooms.erase_message(content.message.room_id, content.message.seq)


async def _load_comment(work: ModerationUnitOfWork, target: Target) -> Content | None:
    comment_id = CommentId(target.id)
    # Lock the project first, as its deletion does: the same order prevents deadlocks.
    project_id = await work.comments.project_of(comment_id)
    project = None if project_id is None else await work.projects.get(project_id)
    comment = None if project is None else await work.comments.get(comment_id)
    return None if comment is None else Content(target, project=project, comment=comment)


async def _load_message(work: ModerationUnitOfWork, target: Target) -> Content | None:
    room_id, seq = RoomId(target.id), target.seq or 0
    room = await work.rooms.get(room_id)
    if room is None or not 1 <= seq <= room.last_seq:
        return None
    after = max(0, room.last_seq - seq)
    first = max(1, seq - max(MESSAGES_AROUND // 2, MESSAGES_AROUND - after))
    messages = await work.room_reader.messages(
        room_id, after=first - 1, before=None, limit=MESSAGES_AROUND + 1
    )
    return Content(target, room=room, messages=messages)


def _project_item(project: Project) -> StoredItem:
    content = {
        "title": project.title,
        "summary": project.summary,
        "content": project.content,
        "repository_url": project.repository_url,
        "skills": list(project.skills),
    }
    return StoredItem(project.author_id, content)


def _comment_item(comment: Comment) -> StoredItem:
    content = {
        "project_id": str(comment.project_id),
        "body": comment.body,
        "created_at": comment.created_at.isoformat(),
    }
    return StoredItem(comment.author_id, content)


def _message_item(message: Message) -> StoredItem:
    content = {
        "seq": message.seq,
        "body": message.body,
        "sent_at": message.sent_at.isoformat(),
    }
    return StoredItem(message.sender_id, content)


def _person_item(account: AccountView) -> StoredItem:
    profile = account.profile
    content = {
        "username": account.username,
        "bio": "" if profile is None else profile.bio,
        "github_url": None if profile is None else profile.github_url,
    }
    return StoredItem(account.id, content)
