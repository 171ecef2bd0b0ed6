"""What a terminal offers: the `simmim` command and its parts."""
