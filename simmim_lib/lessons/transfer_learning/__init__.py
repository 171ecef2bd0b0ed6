"""Lesson 01: transfer learning."""
