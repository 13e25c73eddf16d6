"""Texts of the frame and of the blocks that many screens share."""

from sidepro.web.messages.groups.blocks import BlockTexts
from sidepro.web.texts import Plural

TEXTS = BlockTexts(
    search="프로젝트, 만든 사람 검색",
    display="화면 설정",
    account="내 메뉴",
    first_page="처음",
    unread=Plural("안 읽은 메시지 {count}개"),
    nobody="알 수 없음",
    skills="기술 스택",
    choose_image="이미지 고르기",
    find_skill="기술 찾기",
    picked_skills="고른 기술:",
    remove_filter="빼기",
    views="조회",
    comments="댓글",
    bookmark="북마크",
)
