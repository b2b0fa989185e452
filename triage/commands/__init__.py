"""Subcommands of ``triage``; a module here is imported to show help, so it imports nothing heavy at its top."""
