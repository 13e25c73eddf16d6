"""The unit of work with all repositories, as tests of several topics use it."""

from typing import Protocol

from sidepro.domain.blocks.ports import BlockUnitOfWork
from sidepro.domain.deletion.withdrawal import WithdrawalUnitOfWork
from sidepro.domain.moderation.ports import ModerationUnitOfWork


class FullUnitOfWork(ModerationUnitOfWork, WithdrawalUnitOfWork, BlockUnitOfWork, Protocol):
    """All repositories and readers of one transaction."""
