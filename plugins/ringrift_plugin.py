"""What Airflow loads of RingRift; the code is the package `ringrift_airflow` beside this file.

Airflow puts this file into `sys.modules` under its bare name, and this folder on `sys.path`, everywhere: so there is
this one file, and the package is importable in the scheduler, in workers, in the triggerer and in the API server.
"""

from airflow.plugins_manager import AirflowPlugin

from ringrift_airflow.listeners import stages as listeners


class RingRiftPlugin(AirflowPlugin):
    """Listeners that write down what the stages of the loop have done."""

    name = "ringrift"
    listeners = [listeners]  # noqa: RUF012 (Airflow's own form)
