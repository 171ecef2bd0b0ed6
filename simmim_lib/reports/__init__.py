"""Reports: lesson 10's notebook run with other settings, and pages over a sweep."""
