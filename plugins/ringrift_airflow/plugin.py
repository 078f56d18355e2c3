"""The plugin: what Airflow is to load, by the file `ringrift_plugin.py` or by the entry point `airflow.plugins`."""

from airflow.plugins_manager import AirflowPlugin

from ringrift_airflow.listeners import notes, old_rows, pools, stages


class RingRiftPlugin(AirflowPlugin):
    """Listeners that write down what the stages of the loop have done, see to the pools, and to old rows."""

    name = "ringrift"
    listeners = [notes, old_rows, pools, stages]  # noqa: RUF012 (Airflow's own form)
