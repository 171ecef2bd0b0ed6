"""The playground: every setting on one page, a picture that follows, a link that brings it back."""

from simmim_lib.playground.page import Playground, playground

__all__ = ["Playground", "playground"]
