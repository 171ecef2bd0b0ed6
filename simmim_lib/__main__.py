"""`python -m simmim_lib` does what `simmim` does, where the command is not on the path."""

from simmim_lib.commands.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
