"""Blocks: two people who have no contact because one of them wants none."""
