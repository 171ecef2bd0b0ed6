import pytest

from simmim_lib.pictures.tables import Table


def test_a_table_is_written_as_markdown():
    table = Table(["way", "accuracy"], [["probe", 0.5]])
    assert str(table) == "| way | accuracy |\n| --- | --- |\n| probe | 0.5 |"


def test_every_column_has_a_heading():
    with pytest.raises(ValueError, match="no heading"):
        Table(["", "accuracy"], [])
