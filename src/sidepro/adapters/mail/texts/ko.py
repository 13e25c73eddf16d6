"""The texts of mails in Korean."""

from sidepro.adapters.mail.texts.catalogue import DigestText, LinkText, MailTexts, NoticeText

KOREAN = MailTexts(
    greeting="{username} 님, 안녕하세요.",
    verification=LinkText(
        subject="이메일 주소를 확인해 주세요",
        before=("SidePro에서 {address} 주소를 쓰려면 아래 링크를 눌러 확인해 주세요.",),
        label="이메일 주소 확인하기",
        after=(
            "링크는 3일 동안 쓸 수 있어요.",
            "직접 요청하지 않았다면 이 이메일은 무시해도 괜찮아요.",
        ),
    ),
    password_reset=LinkText(
        subject="비밀번호를 다시 정해 주세요",
        before=(
            "비밀번호를 다시 정하고 싶다는 요청을 받았어요. 아래 링크에서 새로 정할 수 있어요.",
        ),
        label="새 비밀번호 정하기",
        after=(
            "링크는 1시간 동안, 한 번만 쓸 수 있어요.",
            "직접 요청하지 않았다면 이 이메일은 무시해도 괜찮아요. 비밀번호는 그대로예요.",
        ),
    ),
    password_changed=NoticeText(
        subject="비밀번호가 바뀌었어요",
        paragraphs=(
            "{when}에 비밀번호가 바뀌었어요.",
            "직접 바꾸지 않았다면 지금 바로 비밀번호를 다시 정해 주세요.",
        ),
    ),
    email_change_requested=NoticeText(
        subject="이메일 주소를 바꾸려는 요청이 있었어요",
        paragraphs=(
            (
                "{when}에 이메일 주소를 {address}(으)로 바꾸려는 요청이 있었어요. "
                "새 주소를 확인하면 그때 바뀌어요."
            ),
            (
                "직접 요청하지 않았다면 지금 바로 비밀번호를 다시 정해 주세요. "
                "그러면 이 요청도 취소돼요."
            ),
        ),
    ),
    email_changed=NoticeText(
        subject="이메일 주소가 바뀌었어요",
        paragraphs=(
            (
                "{when}에 이메일 주소가 {address}(으)로 바뀌었어요. "
                "앞으로는 새 주소로 로그인하고, 이메일도 새 주소로 보내 드려요."
            ),
            "직접 바꾸지 않았다면 운영자에게 알려 주세요.",
        ),
    ),
    digest=DigestText(
        subject="SidePro에 새 소식이 있어요",
        sentences={
            "request": ("{name} 님이 커피챗을 신청했어요.",) * 2,
            "accepted": ("{name} 님이 커피챗 신청을 수락했어요.",) * 2,
            "comment": (
                "{name} 님이 ‘{title}’에 댓글을 남겼어요.",
                "{name} 님이 ‘{title}’에 댓글을 남겼어요. 새 댓글이 모두 {count}개예요.",
            ),
            "bookmarks": (
                "{name} 님이 ‘{title}’ 프로젝트를 북마크했어요.",
                "{name} 님 등 {count}명이 ‘{title}’ 프로젝트를 북마크했어요.",
            ),
            "report-decided": ("신고하신 내용을 검토하고 처리했어요.",) * 2,
            "moderated": ("운영진이 회원님의 콘텐츠를 검토했어요.",) * 2,
        },
        chat=("{name} 님이 보낸 안 읽은 메시지가 {count}개 있어요.",) * 2,
        nobody="탈퇴한 사용자",
        more="이 밖에 알림이 {count}개 더 있어요.",
        notifications="알림 보기",
        chats="커피챗 보기",
    ),
    reset_link="비밀번호 다시 정하기",
    unsubscribe="이런 이메일 그만 받기",
    signature="SidePro 드림",
    date="{year}년 {month}월 {day}일 {half} {hour}:{minute}({zone})",
    months=tuple(f"{month}월" for month in range(1, 13)),
    halves=("오전", "오후"),
)
