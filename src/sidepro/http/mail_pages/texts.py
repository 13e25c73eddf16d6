"""The texts of the pages, in both languages."""

from dataclasses import dataclass

from sidepro.domain.errors import TokenProblem
from sidepro.domain.language import Language


@dataclass(frozen=True, slots=True)
class PageTexts:
    """All texts of one language."""

    forgotten: str
    forgotten_text: str
    email: str
    send: str
    sent: str
    sent_text: str
    choose: str
    field: str
    hint: str
    save: str
    saved: str
    saved_text: str
    weak: str
    verify: str
    verify_text: str
    verified: str
    verified_text: str
    taken: str
    unsubscribe: str
    unsubscribe_text: str
    unsubscribed: str
    unsubscribed_text: str
    invalid: str
    problems: dict[TokenProblem, str]
    too_many: str
    failed: str
    home: str


TEXTS = {
    Language.KOREAN: PageTexts(
        forgotten="비밀번호를 잊었나요?",
        forgotten_text="가입한 이메일 주소로 비밀번호를 다시 정할 링크를 보내 드려요.",
        email="이메일",
        send="링크 보내기",
        sent="받은편지함을 확인해 주세요",
        sent_text="가입한 주소라면 몇 분 안에 이메일이 도착해요. 링크는 1시간 동안 쓸 수 있어요.",
        choose="새 비밀번호 정하기",
        field="새 비밀번호",
        hint="8자 이상. 문장처럼 길게 쓰면 더 안전해요.",
        save="비밀번호 바꾸기",
        saved="비밀번호를 바꿨어요",
        saved_text="모든 기기에서 로그아웃했어요. 새 비밀번호로 다시 로그인해 주세요.",
        weak="더 어려운 비밀번호를 써 주세요. 8자 이상이어야 해요.",
        verify="이메일 주소 확인",
        verify_text="아래 버튼을 누르면 이메일 주소 확인이 끝나요.",
        verified="이메일 주소를 확인했어요",
        verified_text="이제 SidePro를 마음껏 쓸 수 있어요.",
        taken="이미 다른 계정이 쓰고 있는 주소예요.",
        unsubscribe="이메일 그만 받기",
        unsubscribe_text="아래 버튼을 누르면 이런 알림 이메일을 더 보내지 않아요.",
        unsubscribed="이제 이메일을 보내지 않아요",
        unsubscribed_text="알림은 SidePro에서 계속 볼 수 있어요.",
        invalid="쓸 수 없는 링크예요",
        problems={
            TokenProblem.EXPIRED: "링크의 유효 기간이 지났어요. 이메일을 다시 요청해 주세요.",
            TokenProblem.SUPERSEDED: (
                "더 새로운 이메일이 있거나 그사이 주소나 비밀번호가 바뀌었어요. "
                "가장 최근 이메일의 링크를 써 주세요."
            ),
            TokenProblem.UNKNOWN: "이미 썼거나 잘못된 링크예요. 이메일을 다시 요청해 주세요.",
        },
        too_many="요청이 너무 많아요. 잠시 뒤에 다시 해 주세요.",
        failed="지금은 처리할 수 없어요. 잠시 뒤에 다시 해 주세요.",
        home="SidePro로 가기",
    ),
    Language.ENGLISH: PageTexts(
        forgotten="Forgot your password?",
        forgotten_text="Enter the email address of your account, and we send you a link.",
        email="Email",
        send="Send the link",
        sent="Check your mailbox",
        sent_text=(
            "If there is an account with this address, an email arrives within minutes. Its link "
            "works for one hour."
        ),
        choose="Choose a new password",
        field="New password",
        hint="At least 8 characters. A long phrase is safer.",
        save="Change the password",
        saved="Your password was changed",
        saved_text="You are logged out everywhere. Log in with the new password.",
        weak="Please choose a stronger password, of at least 8 characters.",
        verify="Verify your email address",
        verify_text="Press the button to verify your email address.",
        verified="Your email address is verified",
        verified_text="You can use all of SidePro now.",
        taken="Another account uses this address by now.",
        unsubscribe="Stop these emails",
        unsubscribe_text="Press the button to stop emails of this kind.",
        unsubscribed="We no longer send these emails",
        unsubscribed_text="You still see notifications on SidePro.",
        invalid="This link cannot be used",
        problems={
            TokenProblem.EXPIRED: "The link has expired. Please ask for a new email.",
            TokenProblem.SUPERSEDED: (
                "There is a newer email, or the address or the password has changed since. Please "
                "use the link of the latest email."
            ),
            TokenProblem.UNKNOWN: "The link was used already, or is wrong. Ask for a new email.",
        },
        too_many="Too many requests. Please try again later.",
        failed="This does not work now. Please try again later.",
        home="Go to SidePro",
    ),
}
