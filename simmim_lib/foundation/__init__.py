"""What everything stands on: files, progress, intervals, start-up."""
