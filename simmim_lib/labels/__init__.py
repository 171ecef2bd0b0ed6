"""Labels: brought into the form that losses take, whatever form they come in."""

from simmim_lib.labels.feeds import Feed, where_they_count
from simmim_lib.labels.forms import in_form, listed

__all__ = ["Feed", "in_form", "listed", "where_they_count"]
