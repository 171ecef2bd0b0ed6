"""Lesson 02: the loss formula."""
