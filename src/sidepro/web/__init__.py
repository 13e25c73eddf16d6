"""The screens: pages in HTML for people, on the same services as the API."""
