"""Use cases of tokens in mails: verified and changed addresses, and new passwords."""
