"""What several tests of the domain draw their examples from."""

from hypothesis import strategies as st

characters = st.characters(exclude_categories=["Cs"])
"""Every character that can be encoded. (The `codec` of hypothesis's own texts takes more than a
second to find out on the first run, which is most of what this suite has.)
"""


def texts(*, min_size: int = 0, max_size: int = 20) -> st.SearchStrategy[str]:
    """Any text that can be encoded."""
    return st.text(characters, min_size=min_size, max_size=max_size)


SEARCHED = "가각갂값와왁큐크하한나ㅋㅠㄱㄳㅏㅘﾡ㉠aAｂß%_\\.-‑'’\"“ \u00a0\u00ad\u200b\ufe0f❤👍♥"
"""Characters of which some are alike in a search, and some half of others."""


def searchable_texts(*, min_size: int = 0, max_size: int = 8) -> st.SearchStrategy[str]:
    """Texts that are often parts of each other in a search."""
    return st.text(st.sampled_from(SEARCHED), min_size=min_size, max_size=max_size)
