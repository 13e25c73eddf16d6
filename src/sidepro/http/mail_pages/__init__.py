"""The pages that the links in mails lead to. They need neither the screens nor a script."""
