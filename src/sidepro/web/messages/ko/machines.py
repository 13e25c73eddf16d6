"""Texts of what machines read, and of the page without a network."""

from sidepro.web.messages.groups.machines import MachineTexts

TEXTS = MachineTexts(
    feed="새 프로젝트",
    offline="서버에 연결할 수 없어요",
    offline_text="인터넷 연결을 확인하고, 잠시 뒤에 다시 시도해 주세요.",
    try_again="다시 시도하기",
)
