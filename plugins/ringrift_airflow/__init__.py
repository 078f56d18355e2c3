"""RingRift in Airflow: operators, a sensor, triggers and listeners, thin over `ringrift`; only this imports airflow."""
