"""Lesson 05: information maximisation."""
