"""The plugin: what Airflow is to load, by the file `ringrift_plugin.py` or by the entry point `airflow.plugins`."""

from airflow.plugins_manager import AirflowPlugin

from ringrift_airflow.api import PREFIX, application
from ringrift_airflow.listeners import notes, pools, stages


class RingRiftPlugin(AirflowPlugin):
    """Listeners that write down what the stages of the loop have done, and see to the pools; metrics, health, pages."""

    name = "ringrift"
    listeners = [notes, pools, stages]  # noqa: RUF012 (Airflow's own form)
    fastapi_apps = [{"app": application, "url_prefix": PREFIX, "name": "RingRift"}]  # noqa: RUF012 (as above)
    external_views = [  # noqa: RUF012 (as above)
        {"name": "RingRift", "href": "ringrift/pages/", "destination": "nav", "url_route": "ringrift"},
    ]
