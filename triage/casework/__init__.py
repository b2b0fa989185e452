"""Use cases on stored appeals: receiving, reviewing, events, alerts, bundles, privacy."""
