"""Whole files of appeals: decided in parallel, linked to events, written in input order, safe to interrupt."""
