"""The plugin file that Airflow loads; the code is the package `ringrift_airflow` beside this file.

Airflow puts this file into `sys.modules` under its bare name, and this folder on `sys.path`, everywhere: so there is
this one file, and the package is importable in the scheduler, in workers, in the triggerer and in the API server.
Where the package is installed, Airflow finds the plugin by its entry point, and would call a second one an error.
"""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="ringrift"):
    from ringrift_airflow.plugin import RingRiftPlugin

    __all__ = ["RingRiftPlugin"]
