"""Lesson 07: language."""
