"""Texts of what a person sees and does about their own account."""

from sidepro.web.messages.groups.me import MeTexts

TEXTS = MeTexts(
    title="내 페이지",
    public_page="내 공개 페이지",
    write_profile="프로필 쓰기",
    write_profile_title="프로필을 써 볼까요?",
    write_profile_hint=(
        "쓰는 기술을 고르면 관심사가 비슷한 사람의 프로젝트를 추천해 드려요. "
        "커피챗을 신청할 때도 내가 누구인지 알릴 수 있어요."
    ),
    edit_profile="프로필 수정하기",
    profile_text="다른 사람에게 보이는 소개, 기술 스택, 사진이에요.",
    settings="설정",
    publish_first="첫 프로젝트 올리기",
    labels={
        "file": "프로필 사진",
        "bio": "소개",
        "github_url": "GitHub 주소",
        "skills": "기술 스택",
        "region": "지역",
        "meet_time": "만나기 좋은 때",
        "current_password": "현재 비밀번호",
        "new_password": "새 비밀번호",
        "password": "비밀번호",
        "confirmed": "확인",
        "email": "새 이메일 주소",
        "username": "닉네임",
        "language": "이메일 언어",
        "time_zone": "시간대",
    },
    picture_hint="PNG, JPEG, WebP, GIF 이미지, {size}까지",
    picture_kind="PNG, JPEG, WebP, GIF 이미지만 올릴 수 있어요.",
    picture_size="{size}까지 올릴 수 있어요. 더 작은 이미지를 골라 주세요.",
    picture_chosen="고른 사진을 올려 두었어요. 저장하면 프로필에 보여요.",
    picture_preview="고른 사진 미리보기",
    remove_picture="지금 사진 삭제하기",
    bio_hint="무엇을 만들고 있는지, 누구와 이야기하고 싶은지 적어 주세요.",
    github_hint="https://github.com/이름",
    skills_hint="한 개 이상, {max}개까지 고를 수 있어요.",
    not_chosen="선택 안 함",
    save="저장하기",
    cancel="취소",
    images="내 이미지",
    images_text=(
        "프로필과 프로젝트에 올린 이미지예요. "
        "어디에도 쓰지 않는 이미지는 하루 뒤에 자동으로 삭제돼요."
    ),
    no_images="아직 올린 이미지가 없어요",
    no_images_hint="프로필 사진이나 프로젝트에 넣은 이미지가 여기에 모여요.",
    quota="{limit} 중 {used} 사용",
    quota_name="이미지 저장 공간",
    image_of="{date}에 올린 이미지",
    in_use="사용 중",
    delete_image="{date}에 올린 이미지 삭제하기",
    delete="삭제하기",
    sessions="로그인한 기기",
    sessions_text="낯선 기기가 있다면 로그아웃하고 비밀번호를 바꿔 주세요.",
    device="{system}의 {program}",
    unknown_device="알 수 없는 기기",
    current="지금 이 기기",
    started="{date} 로그인",
    last_used="{when} 사용",
    end_session="{device} 로그아웃",
    end="로그아웃",
    end_others="다른 기기 모두 로그아웃",
    end_all="이 기기까지 모두 로그아웃",
    end_all_text="모두 로그아웃하면 이 기기에서도 다시 로그인해야 해요.",
    account="계정",
    account_text="로그인에 쓰는 이메일 주소와 닉네임, 언어와 시간대예요.",
    email_address="이메일 주소",
    unverified="{address} 주소를 아직 확인하지 않았어요. 받은 이메일의 링크를 눌러 주세요.",
    send_again="확인 이메일 다시 보내기",
    change_email="이메일 주소 바꾸기",
    change_email_text=(
        "새 주소로 보내 드리는 이메일의 링크를 눌러야 바뀌어요. "
        "그만두려면 지금 쓰는 주소를 다시 적어 주세요."
    ),
    preferences="닉네임과 언어",
    username_hint="30일에 한 번만 바꿀 수 있어요.",
    language_hint="화면의 언어는 맨 위 ‘화면 설정’ 메뉴에서 바꿀 수 있어요.",
    time_zone_hint="화면과 이메일의 날짜와 시각을 이 시간대로 보여 드려요.",
    save_settings="저장하기",
    password="비밀번호 바꾸기",  # noqa: S106 - a heading
    password_text="바꾸면 다른 기기에서는 모두 로그아웃돼요.",  # noqa: S106 - a text
    new_password_hint="8자 이상. 문장처럼 길게 쓰면 더 안전해요.",  # noqa: S106 - a hint
    change_password="비밀번호 바꾸기",  # noqa: S106 - a button
    export="내 데이터 내려받기",
    export_text="프로필, 프로젝트, 댓글, 메시지까지 내 데이터를 JSON 파일 하나로 받아요.",
    withdraw="탈퇴하기",
    withdraw_title="정말 탈퇴할까요?",
    withdraw_text="탈퇴하면 계정이 바로 삭제되고 되돌릴 수 없어요.",
    what_goes_title="아래 내용도 함께 삭제돼요.",
    what_goes=(
        "프로필과 올린 이미지",
        "올린 프로젝트와 거기에 달린 댓글",
        "다른 프로젝트에 남긴 댓글과 북마크",
    ),
    what_stays=(
        "나눈 커피챗은 상대에게 남지만 내 닉네임은 보이지 않아요. "
        "간직할 것이 있다면 먼저 내려받아 주세요."
    ),
    confirmed="되돌릴 수 없다는 걸 확인했어요.",
    withdraw_button="탈퇴하기",
)
