"""The plugin that Airflow loads, by the file `ringrift_plugin.py` or by the entry point `airflow.plugins`."""

from airflow.plugins_manager import AirflowPlugin

from ringrift_airflow.api import PREFIX, application
from ringrift_airflow.listeners import notes, old_rows, pools, stages
from ringrift_airflow.page_links import VIEWS


class RingRiftPlugin(AirflowPlugin):
    """Listeners that record stages, make pools and remove old rows; metrics, health and pages."""

    name = "ringrift"
    listeners = [notes, old_rows, pools, stages]  # noqa: RUF012 (Airflow's own form)
    fastapi_apps = [{"app": application, "url_prefix": PREFIX, "name": "RingRift"}]  # noqa: RUF012 (as above)
    external_views = VIEWS
