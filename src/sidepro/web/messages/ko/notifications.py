"""Texts of notifications, in Korean."""

from sidepro.web.messages.groups.notifications import NotificationTexts
from sidepro.web.texts import Plural

TEXTS = NotificationTexts(
    title="알림",
    unread=Plural("안 읽은 알림 {count}개"),
    mark_read="모두 읽음",
    new="새 알림",
    none="아직 알림이 없어요",
    none_hint="내 프로젝트에 댓글이나 북마크가 생기면 여기에 알려 드려요.",
    sentences={
        "request": "{name} 님이 커피챗을 신청했어요.",
        "accepted": "{name} 님이 커피챗 신청을 수락했어요.",
        "comment": Plural(
            "{name} 님이 ‘{title}’에 댓글을 남겼어요. 새 댓글이 모두 {count}개예요.",
            "{name} 님이 ‘{title}’에 댓글을 남겼어요.",
        ),
        "bookmarks": Plural(
            "{name} 님 외 {more}명이 ‘{title}’ 프로젝트를 북마크했어요.",
            "{name} 님이 ‘{title}’ 프로젝트를 북마크했어요.",
        ),
        "report-decided": "신고한 내용을 운영진이 검토하고 처리했어요.",
        "moderated": "운영진이 내가 올린 내용을 검토했어요.",
    },
    settings="알림 설정",
    settings_text="어떤 소식을 어떻게 받을지 정해요.",
    kinds={
        "request": "커피챗 신청",
        "accepted": "커피챗 수락",
        "comment": "내 프로젝트의 댓글",
        "bookmarks": "내 프로젝트의 북마크",
        "report-decided": "신고 처리 결과",
        "moderated": "내 글과 댓글에 대한 운영진의 조치",
        "messages": "안 읽은 메시지",
    },
    deliveries={"off": "받지 않기", "web": "사이트에서만 받기", "mail": "이메일로도 받기"},
)
