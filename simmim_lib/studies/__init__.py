"""Studies: which experiments answer a lesson's questions, and their stored outcome."""
