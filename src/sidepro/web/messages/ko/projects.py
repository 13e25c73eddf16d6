"""Texts of a project's page."""

from sidepro.web.messages.groups.projects import ProjectTexts
from sidepro.web.texts import Plural

TEXTS = ProjectTexts(
    menu="프로젝트 메뉴",
    edit="수정하기",
    delete="삭제하기",
    edited="{when} 수정",
    author="만든 사람",
    ask="커피챗 신청하기",
    log_in_to_ask="로그인하고 커피챗 신청",
    more_by_author="만든 프로젝트 모두 보기",
    repository="저장소",
    comments="댓글",
    no_comments="아직 댓글이 없어요. 첫 댓글을 남겨 주세요.",
    comment_menu="댓글 메뉴",
    comment_edited="수정됨",
    write_comment="댓글 쓰기",
    post_comment="남기기",
    log_in_to_comment="로그인하고 댓글 쓰기",
    no_comment="이 프로젝트에는 댓글을 쓸 수 없어요.",
    new_comments=Plural("새 댓글 {count}개 보기"),
    edit_comment="댓글 수정하기",
    save="저장하기",
    cancel="취소",
    delete_comment_title="댓글을 삭제할까요?",
    delete_comment_text="되돌릴 수 없어요.",
    delete_title="프로젝트를 삭제할까요?",
    delete_text="댓글과 북마크도 함께 사라져요. 되돌릴 수 없어요.",
    labels={"body": "댓글"},
)
