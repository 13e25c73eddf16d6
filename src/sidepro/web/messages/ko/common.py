"""Texts that every page has."""

from sidepro.web.messages.groups.common import CommonTexts

TEXTS = CommonTexts(
    site="SidePro",
    tagline="사이드 프로젝트를 보여주고 커피챗으로 만나는 곳",
    skip="본문으로 건너뛰기",
    menu="주 메뉴",
    browse="둘러보기",
    publish="프로젝트 올리기",
    chats="커피챗",
    my_page="내 페이지",
    operator="운영",
    log_in="로그인",
    log_out="로그아웃",
    sign_up="회원가입",
    language="언어",
    languages={"ko": "한국어", "en": "English"},
    colours="화면 색",
    colour_names={"auto": "기기 설정", "light": "밝게", "dark": "어둡게"},
    apply="적용",
    previous="이전",
    next="다음",
    pages="페이지 이동",
    required="필수",
    optional="선택",
    form_errors="입력한 내용을 확인해 주세요",
    done={
        "left-room": "커피챗에서 나왔어요.",
        "comment-deleted": "댓글을 삭제했어요.",
        "project-deleted": "프로젝트를 삭제했어요.",
        "logged-out": "로그아웃했어요.",
        "published": "프로젝트를 올렸어요.",
        "saved": "저장했어요.",
        "signed-up": "가입을 환영해요. 이제 프로필을 써 보세요.",
    },
)
