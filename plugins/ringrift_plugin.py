"""What Airflow loads of RingRift; the code is the package `ringrift_airflow` beside this file.

Airflow puts this file into `sys.modules` under its bare name, and this folder on `sys.path`, everywhere: so there is
this one file, and the package is importable in the scheduler, in workers, in the triggerer and in the API server.
"""

from ringrift_airflow.plugin import RingRiftPlugin

__all__ = ["RingRiftPlugin"]
