"""Offline programs: train the base bundle, train on a city's history, evaluate."""
