"""The HTTP service: schemas, routes, limits and access over the use cases of triage.casework."""
