"""The texts of mails in Korean and English."""
