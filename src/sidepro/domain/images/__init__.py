"""Pictures that people upload: checked, encoded anew, kept, shown, and removed when unused."""
