"""The texts of the pages, in Korean and English.

`groups` has the type of each group of texts; `ko` and `en` have its texts. So mypy finds a text
that is missing in a language.
"""
