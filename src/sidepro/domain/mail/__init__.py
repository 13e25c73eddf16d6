"""Mails: rows of an outbox, written in the transaction of their cause and sent by a job."""
