"""Games behind the searches: how their kernels are found."""

from __future__ import annotations

from pathlib import Path

from ringrift.search.game_adapter import marker_field


def test_the_field_of_a_game_changes_with_its_source(tmp_path: Path) -> None:
    """Compiled searches are kept on disk under the types of their states: other rules need another type."""
    names = []
    for folder, text in (("a", "LINE = 4"), ("b", "LINE = 5"), ("c", "LINE = 4")):
        source = tmp_path / folder / "rules.py"
        source.parent.mkdir()
        source.write_text(text)
        names.append(marker_field("connect_four", str(source)))
    assert names[0] == names[2] != names[1]
    assert all(name.startswith("connect_four_") for name in names)
