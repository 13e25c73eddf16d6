"""Texts of the pages of people."""

from sidepro.web.messages.groups.people import PeopleTexts

TEXTS = PeopleTexts(
    description="{name} 님의 사이드 프로젝트를 둘러보고 커피챗을 신청해 보세요.",
    ask="커피챗 신청하기",
    ask_hint="로그인하면 커피챗을 신청할 수 있어요.",
    joined="{date} 가입",
    edit="프로필 수정하기",
    menu="회원 메뉴",
    sections="프로젝트와 북마크",
    projects="프로젝트",
    bookmarks="북마크",
    no_projects="아직 올린 프로젝트가 없어요",
    no_bookmarks="아직 북마크한 프로젝트가 없어요",
    browse="프로젝트 둘러보기",
    no_profile="{name} 님은 아직 프로필을 쓰지 않았어요.",
    region="지역",
    meet_time="만나기 좋은 때",
    github="GitHub",
    choices={
        name: name
        for name in (
            *(
                "서울",
                "경기",
                "인천",
                "세종",
                "강원",
                "충북",
                "충남",
                "전북",
                "전남",
                "경북",
                "경남",
            ),
            *("광주", "대전", "대구", "부산", "울산", "제주"),
            *("주중 선호", "주말 선호", "상관없음"),
        )
    },
)
