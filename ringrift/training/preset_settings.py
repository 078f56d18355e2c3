"""Files of settings that are defaults and named presets, each a change of some of them."""

from __future__ import annotations

from typing import Any, TypeVar

from ringrift.settings import BadSettings, Settings, check_settings, config_folder, read_config, unknown_name

SettingsT = TypeVar("SettingsT", bound=Settings)


class _File(Settings):
    """The whole file."""

    defaults: dict[str, Any]
    presets: dict[str, dict[str, Any]]


def preset_settings(name: str, kind: type[SettingsT], preset: str | None, changes: dict[str, Any] | None) -> SettingsT:
    """Read a file of settings, changed by a preset and by `changes`; `BadSettings` says what is wrong, and where."""
    file = read_config(name, _File)
    if preset is not None and preset not in file.presets:
        raise BadSettings(f"preset {preset!r}: {unknown_name(preset, tuple(file.presets))}")
    path = config_folder() / name
    settings = check_settings(file.defaults, kind, f"{path} (defaults)")
    for place, layer in ((f"presets.{preset}", file.presets[preset] if preset else {}), ("--set", changes or {})):
        settings = check_settings(settings.model_dump() | layer, kind, f"{path} ({place})")
    return settings
