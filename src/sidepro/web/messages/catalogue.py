"""All texts of one language."""

from dataclasses import dataclass

from sidepro.domain.language import Language
from sidepro.web.messages.en import blocks as en_blocks
from sidepro.web.messages.en import board as en_board
from sidepro.web.messages.en import chats as en_chats
from sidepro.web.messages.en import common as en_common
from sidepro.web.messages.en import consent as en_consent
from sidepro.web.messages.en import editor as en_editor
from sidepro.web.messages.en import errors as en_errors
from sidepro.web.messages.en import machines as en_machines
from sidepro.web.messages.en import me as en_me
from sidepro.web.messages.en import moderation as en_moderation
from sidepro.web.messages.en import notifications as en_notifications
from sidepro.web.messages.en import operator as en_operator
from sidepro.web.messages.en import people as en_people
from sidepro.web.messages.en import projects as en_projects
from sidepro.web.messages.en import sessions as en_sessions
from sidepro.web.messages.groups.blocks import BlockTexts
from sidepro.web.messages.groups.board import BoardTexts
from sidepro.web.messages.groups.chats import ChatsTexts
from sidepro.web.messages.groups.common import CommonTexts
from sidepro.web.messages.groups.consent import ConsentTexts
from sidepro.web.messages.groups.editor import EditorTexts
from sidepro.web.messages.groups.errors import ErrorTexts
from sidepro.web.messages.groups.machines import MachineTexts
from sidepro.web.messages.groups.me import MeTexts
from sidepro.web.messages.groups.moderation import ModerationTexts
from sidepro.web.messages.groups.notifications import NotificationTexts
from sidepro.web.messages.groups.operator import OperatorTexts
from sidepro.web.messages.groups.people import PeopleTexts
from sidepro.web.messages.groups.projects import ProjectTexts
from sidepro.web.messages.groups.sessions import SessionTexts
from sidepro.web.messages.ko import blocks as ko_blocks
from sidepro.web.messages.ko import board as ko_board
from sidepro.web.messages.ko import chats as ko_chats
from sidepro.web.messages.ko import common as ko_common
from sidepro.web.messages.ko import consent as ko_consent
from sidepro.web.messages.ko import editor as ko_editor
from sidepro.web.messages.ko import errors as ko_errors
from sidepro.web.messages.ko import machines as ko_machines
from sidepro.web.messages.ko import me as ko_me
from sidepro.web.messages.ko import moderation as ko_moderation
from sidepro.web.messages.ko import notifications as ko_notifications
from sidepro.web.messages.ko import operator as ko_operator
from sidepro.web.messages.ko import people as ko_people
from sidepro.web.messages.ko import projects as ko_projects
from sidepro.web.messages.ko import sessions as ko_sessions


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language, by group. Templates know them as `t`."""

    common: CommonTexts
    editor: EditorTexts
    errors: ErrorTexts
    blocks: BlockTexts
    board: BoardTexts
    chats: ChatsTexts
    consent: ConsentTexts
    machines: MachineTexts
    moderation: ModerationTexts
    notifications: NotificationTexts
    operator: OperatorTexts
    projects: ProjectTexts
    me: MeTexts
    people: PeopleTexts
    sessions: SessionTexts


CATALOGUES = {
    Language.KOREAN: Texts(
        common=ko_common.TEXTS,
        editor=ko_editor.TEXTS,
        errors=ko_errors.TEXTS,
        blocks=ko_blocks.TEXTS,
        board=ko_board.TEXTS,
        chats=ko_chats.TEXTS,
        consent=ko_consent.TEXTS,
        machines=ko_machines.TEXTS,
        moderation=ko_moderation.TEXTS,
        notifications=ko_notifications.TEXTS,
        operator=ko_operator.TEXTS,
        projects=ko_projects.TEXTS,
        me=ko_me.TEXTS,
        people=ko_people.TEXTS,
        sessions=ko_sessions.TEXTS,
    ),
    Language.ENGLISH: Texts(
        common=en_common.TEXTS,
        editor=en_editor.TEXTS,
        errors=en_errors.TEXTS,
        blocks=en_blocks.TEXTS,
        board=en_board.TEXTS,
        chats=en_chats.TEXTS,
        consent=en_consent.TEXTS,
        machines=en_machines.TEXTS,
        moderation=en_moderation.TEXTS,
        notifications=en_notifications.TEXTS,
        operator=en_operator.TEXTS,
        projects=en_projects.TEXTS,
        me=en_me.TEXTS,
        people=en_people.TEXTS,
        sessions=en_sessions.TEXTS,
    ),
}
