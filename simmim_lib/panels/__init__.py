"""Panels: controls, a picture that follows them, and the memory of what they measured."""
