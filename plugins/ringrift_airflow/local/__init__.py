"""Airflow on this machine alone, with SQLite: what `make up`, `make down` and `make loop` do."""
