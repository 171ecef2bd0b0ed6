"""Lesson 09: compute, privacy, interpretability."""
