"""Sweeps: a grid of experiments, done by several workers, and what is written of them."""
