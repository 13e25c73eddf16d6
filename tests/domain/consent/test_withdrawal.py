"""Requests of somebody who closes their account."""

from datetime import timedelta

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.channels import ItemChanged
from sidepro.domain.notifications.notification import Delivery, NotificationKind
from tests.domain.services import Services, awaited

PASSWORD = "a battery horse"


@awaited
async def test_badges_of_those_who_were_asked_move_when_the_asker_withdraws(
    services: Services,
) -> None:
    recipient = await services.person(chat_policy=ChatPolicy.REQUEST)
    # Without a notification, whose removal would move them.
    off = {NotificationKind.REQUEST.value: Delivery.OFF}
    await services.notifications.change_settings(recipient, off)
    asker = await services.person(
        created_at=services.clock.now - timedelta(days=8),
        password_hash=await services.passwords.hash(PASSWORD),
    )
    await services.consent.ask(asker, recipient.id, "안녕하세요")
    services.pubsub.changes.clear()
    await services.withdrawal.withdraw(asker, PASSWORD)
    assert ItemChanged.badges(recipient.id) in services.pubsub.changes
