"""Texts of chat requests, of who may ask, and of blocks."""

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.web.messages.groups.consent import ConsentTexts
from sidepro.web.texts import Plural

TEXTS = ConsentTexts(
    ask_title="{name} 님에게 커피챗 신청하기",
    ask_text="{name} 님이 수락하면 커피챗이 열려요. 어떤 이야기를 나누고 싶은지 적어 주세요.",
    introduction="내 소개와 나누고 싶은 이야기",
    introduction_hint="14일 안에 답이 없으면 신청이 만료돼요.",
    send="신청하기",
    cancel="취소",
    labels={
        "introduction": "내 소개와 나누고 싶은 이야기",
        "user_id": "사람",
        "chat_policy": "커피챗 받기",
    },
    closed="지금은 커피챗을 받지 않아요.",
    tabs="커피챗과 신청",
    rooms="대화",
    received="받은 신청",
    sent="보낸 신청",
    waiting=Plural("답을 기다리는 신청 {count}개"),
    no_received="받은 신청이 없어요",
    no_received_hint="누군가 커피챗을 신청하면 여기에서 답할 수 있어요.",
    no_sent="보낸 신청이 없어요",
    no_sent_hint="마음에 드는 프로젝트를 만든 사람에게 커피챗을 신청해 보세요.",
    browse="프로젝트 둘러보기",
    states={
        RequestState.PENDING: "대기 중",
        RequestState.ACCEPTED: "수락함",
        RequestState.DECLINED: "거절함",
        RequestState.WITHDRAWN: "취소됨",
        RequestState.EXPIRED: "만료됨",
        RequestState.VOID: "무효",
    },
    quiet="거절해도 상대에게 알리지 않아요.",
    change_of_mind="상대는 거절한 줄 몰라요. 마음이 바뀌었다면 지금 수락할 수 있어요.",
    accept="수락하기",
    decline="거절하기",
    withdraw="신청 취소하기",
    open_room="커피챗 열기",
    settings="커피챗과 차단",
    settings_text="커피챗을 어떻게 받을지 정하고, 차단한 사람을 관리해요.",
    who="커피챗 받기",
    policies={
        ChatPolicy.OPEN: "바로 시작",
        ChatPolicy.REQUEST: "수락 후 시작",
        ChatPolicy.CLOSED: "받지 않기",
    },
    policy_text="이미 열린 커피챗은 그대로 이어 갈 수 있어요.",
    save="저장하기",
    blocked_people="차단한 사람",
    no_blocked="차단한 사람이 없어요.",
    block="차단하기",
    block_title="{name} 님을 차단할까요?",
    block_text=(
        "서로 커피챗을 신청하거나 메시지를 보낼 수 없어요. 지난 대화는 남아요.",
        "서로의 프로젝트에 댓글을 달 수 없고, 댓글과 추천도 보이지 않아요.",
        "답을 기다리던 커피챗 신청은 취소돼요.",
        "상대에게는 알리지 않아요. 언제든 차단을 풀 수 있어요.",
    ),
    unblock="차단 풀기",
    is_blocked="{name} 님을 차단했어요.",
    unwritable="지금은 메시지를 보낼 수 없는 커피챗이에요. 지난 대화는 볼 수 있어요.",
)
