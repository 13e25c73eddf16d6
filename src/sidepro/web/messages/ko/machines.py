"""Texts of what machines read, and of the page without a network."""

from sidepro.web.messages.groups.machines import MachineTexts

TEXTS = MachineTexts(
    feed="새 프로젝트",
    offline="인터넷에 연결되어 있지 않아요",
    offline_text="연결을 확인하고 다시 시도해 주세요.",
    try_again="다시 시도하기",
)
