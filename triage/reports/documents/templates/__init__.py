"""Page template, style sheet and the default Word template of reports."""
