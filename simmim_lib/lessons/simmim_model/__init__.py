"""Lesson 03: the SimMIM model."""
