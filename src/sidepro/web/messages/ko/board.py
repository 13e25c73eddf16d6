"""Texts of the board."""

from sidepro.web.messages.groups.board import BoardTexts
from sidepro.web.texts import Plural

TEXTS = BoardTexts(
    title="사이드 프로젝트 둘러보기",
    welcome=("퇴근하고 만든 것,", "커피 한잔하며 보여 주세요"),
    welcome_text=(
        "개발자들이 사이드 프로젝트를 올리고, 기술 스택이 닮은 사람과 커피챗을 나누는 곳이에요."
    ),
    hello="오늘은 누구와 커피 한잔할까요?",
    no_profile="프로필에 기술 스택을 적으면 관심사가 비슷한 사람의 프로젝트를 추천해 드려요.",
    write_profile="프로필 쓰기",
    similar="관심사가 비슷한 사람의 프로젝트",
    popular="지금 인기 있는 프로젝트",
    shuffle="다른 추천 보기",
    also_uses="{name} 님도 쓰는 {skills}",
    also_uses_more=Plural("{name} 님도 쓰는 {skills} 외 {count}개"),
    is_popular="북마크를 많이 받았어요",
    found="찾은 프로젝트",
    total=Plural("{count}개"),
    sorting="정렬",
    sorts={
        "newest": "최신순",
        "trending": "요즘 뜨는 순",
        "popular": "북마크순",
        "views": "조회순",
    },
    pick_skills="기술 스택",
    matching="고른 기술을",
    matches={"any": "하나라도 쓰는 프로젝트", "all": "모두 쓰는 프로젝트"},
    apply="적용하기",
    filters="조건",
    text_filter="‘{words}’",
    author_filter="만든 사람: {name}",
    unknown_author="알 수 없는 사람",
    clear="모두 지우기",
    nothing="찾는 프로젝트가 없어요",
    nothing_hint="조건을 하나 빼고 다시 찾아볼까요?",
    drop="{filter} 빼기",
    nothing_yet="아직 프로젝트가 없어요",
    nothing_yet_hint="첫 프로젝트를 올려 주세요.",
    labels={
        "q": "검색어",
        "skill": "기술 스택",
        "author": "만든 사람",
        "sort": "정렬",
        "match": "고른 기술",
    },
)
