"""Texts of the board."""

from sidepro.web.messages.groups.board import BoardTexts
from sidepro.web.texts import Plural

TEXTS = BoardTexts(
    title="사이드 프로젝트 둘러보기",
    search="검색",
    search_hint="제목, 한 줄 소개, 만든 사람",
    total=Plural("프로젝트 {count}개"),
    nothing="찾는 프로젝트가 없어요",
    nothing_hint="검색어나 조건을 줄여 보세요.",
    everything="전체 보기",
    views=Plural("조회 {count}"),
    bookmarks=Plural("북마크 {count}"),
    comments=Plural("댓글 {count}"),
)
