"""The outbox of mails, and the tokens in them, in SQL."""
