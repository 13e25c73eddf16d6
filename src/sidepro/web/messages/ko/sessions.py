"""Texts of signing up and logging in."""

from sidepro.web.messages.groups.sessions import SessionTexts

TEXTS = SessionTexts(
    email="이메일",
    username="닉네임",
    username_hint="다른 사람에게 보여요. 글자, 숫자, _, -로 2–30자.",
    password="비밀번호",  # noqa: S106 - a label
    password_hint="8자 이상. 문장처럼 길게 쓰면 더 안전해요.",  # noqa: S106 - a hint
    show_password="비밀번호 보기",  # noqa: S106 - a label
    hide_password="비밀번호 숨기기",  # noqa: S106 - a label
    sign_up="회원가입",
    sign_up_text="가입하고 내 사이드 프로젝트를 보여 주세요.",
    have_account="이미 가입했다면",
    log_in="로그인",
    log_in_text="다시 만나서 반가워요.",
    no_account="아직 가입하지 않았다면",
    forgotten="비밀번호를 잊었나요?",
    session_ended="로그인이 풀렸어요",
    unsent="쓰던 내용은 그대로 있어요. 로그인하면 이어서 할 수 있어요.",
    resume="이어서 하기",
    resume_text="다시 로그인했어요. 쓰던 내용을 보낼까요?",
    kept_text="쓰던 내용은 그대로 있어요.",
    resume_button="보내기",
    cancel="그만두기",
    verify_first="먼저 이메일 주소를 확인해 주세요",
    verify_first_text=(
        "가입할 때 보낸 이메일의 링크를 누르면 이어서 할 수 있어요. 쓰던 내용은 그대로 있어요."
    ),
    verified="확인했어요, 이어서 하기",
    free={"email": "쓸 수 있는 이메일이에요.", "username": "쓸 수 있는 닉네임이에요."},
    taken={"email": "이미 가입한 이메일이에요.", "username": "이미 있는 닉네임이에요."},
)
