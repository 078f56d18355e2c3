"""What the application serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.game_database.database import AbsentDatabase
from ringrift.web import WebContext, web_settings


def test_the_database_of_the_settings_is_looked_for_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGRIFT_DATABASE", raising=False)
    context = WebContext(web_settings(), home=tmp_path)
    with pytest.raises(AbsentDatabase):
        context.database()
    path = tmp_path / "data" / "games" / "ringrift.db"
    path.parent.mkdir(parents=True)
    with GamesDatabase(str(path), create=True):
        pass
    assert context.database() is context.database()
    assert context.database().url.database == str(path)
    context.close()
