"""Airflow on this machine alone, with SQLite: the commands behind `make up`, `make down` and `make loop`."""
