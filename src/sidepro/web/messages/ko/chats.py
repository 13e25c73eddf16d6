"""Texts of the chats."""

from sidepro.web.messages.groups.chats import ChatsTexts
from sidepro.web.texts import Plural

TEXTS = ChatsTexts(
    title="커피챗",
    none="아직 나눈 커피챗이 없어요",
    none_hint="마음에 드는 프로젝트를 만든 사람에게 커피챗을 신청해 보세요.",
    find_people="프로젝트 둘러보기",
    nobody="탈퇴한 사용자",
    no_message="아직 주고받은 메시지가 없어요",
    mine="나: {body}",
    unread=Plural("안 읽은 메시지 {count}개"),
    with_person="{name} 님과의 커피챗",
    back="커피챗 목록",
    here="접속 중",
    away="자리 비움",
    log="메시지",
    older="이전 메시지 보기",
    newest="최근 메시지로",
    newer="새 메시지",
    me="나",
    read="읽음",
    typing="{name} 님이 입력하고 있어요",
    write="메시지",
    hint="Enter로 보내고 Shift+Enter로 줄을 바꿔요",
    send="보내기",
    sending="보내는 중",
    unverified="메시지를 보내려면 먼저 이메일 주소를 확인해 주세요. 쓴 메시지는 그대로 있어요.",
    refused="보내지 못했어요",
    again="다시 보내기",
    edit="수정하기",
    connecting="다시 연결하고 있어요. 쓴 메시지는 연결되면 보내 드려요.",
    offline="인터넷 연결이 끊겼어요. 쓴 메시지는 연결되면 보내 드려요.",
    session_ended="로그인이 풀렸어요. 다시 로그인하면 쓰던 메시지가 그대로 있어요.",
    closed="이제 이 커피챗을 볼 수 없어요.",
    broken="페이지가 오래됐어요. 새로고침해 주세요.",
    reload="새로고침",
    left_by_other="{name} 님이 나갔어요. 지난 대화는 볼 수 있지만 보낼 수는 없어요.",
    withdrawn="상대가 탈퇴했어요. 지난 대화는 볼 수 있지만 보낼 수는 없어요.",
    leave="나가기",
    leave_hint=(
        "나가면 상대는 대화를 읽을 수만 있어요. "
        "커피챗을 다시 신청하면 이어 갈 수 있고, 상대도 나가면 대화가 삭제돼요."
    ),
    about="{name} 님 소개",
    no_profile="아직 프로필을 쓰지 않았어요.",
)
