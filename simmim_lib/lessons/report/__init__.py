"""Lesson 10: the report."""
