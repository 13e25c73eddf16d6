"""The same ports in one process, in the standard library alone.

The chat feed and the presence serve the embedded platform; the store serves tests and everybody
who wants to try the rules without a database.
"""
