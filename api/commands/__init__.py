"""Commands of the ``triage`` command line that need the service."""
