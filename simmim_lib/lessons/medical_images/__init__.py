"""Lesson 06: medical images."""
