"""Lesson 08: masked image modelling."""
