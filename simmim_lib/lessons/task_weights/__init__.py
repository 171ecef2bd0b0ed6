"""Lesson 04: many tasks at once."""
