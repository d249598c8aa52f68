"""Fuzzing of the template language: drawn templates, a search that is led by coverage, and one oracle."""
