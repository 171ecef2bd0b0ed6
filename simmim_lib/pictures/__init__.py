"""The shared visual language: style, charts, drawings of networks."""
