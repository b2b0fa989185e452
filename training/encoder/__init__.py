"""Trains the appeal encoder that ships with the project: vocabulary, language model, contrast and heads, export, figures."""
