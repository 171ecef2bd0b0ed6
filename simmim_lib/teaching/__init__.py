"""A class: copies of lessons without solutions, and a table of what the checks say of answers."""
