"""Normalising, aligning and splitting of appeal texts."""
