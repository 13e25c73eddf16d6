"""Texts of a project's page."""

from sidepro.web.messages.groups.projects import ProjectTexts
from sidepro.web.texts import Plural

TEXTS = ProjectTexts(
    menu="Project menu",
    edit="Edit",
    delete="Delete",
    edited="edited {when}",
    author="Author",
    ask="Ask for a coffee chat",
    log_in_to_ask="Log in to ask for a chat",
    more_by_author="All projects by this author",
    repository="Repository",
    comments="Comments",
    no_comments="No comments yet. Write the first one.",
    comment_menu="Comment menu",
    comment_edited="edited",
    write_comment="Write a comment",
    post_comment="Post",
    log_in_to_comment="Log in to comment",
    no_comment="You cannot comment on this project.",
    new_comments=Plural("Show {count} new comments", "Show {count} new comment"),
    edit_comment="Edit your comment",
    save="Save",
    cancel="Cancel",
    delete_comment_title="Delete this comment?",
    delete_comment_text="This cannot be undone.",
    delete_title="Delete this project?",
    delete_text="Its comments and bookmarks are deleted, too. This cannot be undone.",
    labels={"body": "Comment"},
)
