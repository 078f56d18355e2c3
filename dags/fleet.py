"""The care of the hosts every few minutes: which of them are fit for work, and what was left on them."""

from __future__ import annotations

from ringrift.fleet.rent_settings import rent_settings
from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.fleet import CleanHostsOperator, EndOrphanedJobsOperator, TendFleetOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.workspace import airflow_home

ABOUT = """
### The hosts of hosts.yaml

A retired host whose next trial has come is probed, and is back in service if it answers. Jobs that were given up
because their host did not answer are killed, places of jobs that do not run are free again, and every host of self-play
gets the champions that it lacks. Where hosts.yaml names no hosts, `probe_hosts` is skipped.

Jobs that no task waits for any more, here and on the hosts, are killed by `end_orphaned_jobs`: those whose task
was marked between two tries, or whose run was deleted.

Where a disk is nearly full, here or on a host, `clean_full_disk` and `clean_full_hosts` remove obsolete files;
else that waits for `ringrift__maintenance`.

Where rent.yaml names a provider, `rent_hosts` rents hosts while games are missing, and gives them back.

Settings: `maintenance.hosts` of the preset in loop.yaml, fleet.yaml.
"""

settings = dag_settings()
_, preset = settings.chosen()

with ringrift_dag(
    "ringrift__fleet",
    settings,
    description="Hosts that come back, and what was left on them",
    every=preset.maintenance.hosts,
    max_active_runs=1,
    tags=["maintenance"],
    doc_md=ABOUT,
):
    TendFleetOperator(
        task_id="probe_hosts",
        configs=preset.configs,
        doc_md="Ask all hosts, but for the retired ones whose next trial has not come. Settings: hosts.yaml, "
        "fleet.yaml.",
    )
    RingriftOperator(
        task_id="clean_full_disk",
        words=["clean", "--apply", "--if-full", "--no-hosts", "--airflow", airflow_home()],
        pool="ringrift_database",
        doc_md="`ringrift clean --apply --if-full`: where the disk is nearly full, remove obsolete files, "
        "and do not wait for the night. Settings: housekeeping.yaml, resources.yaml.",
    )
    CleanHostsOperator(
        task_id="clean_full_hosts",
        only_full=True,
        doc_md="The same on hosts whose disk is nearly full. Settings: housekeeping.yaml, resources.yaml, hosts.yaml.",
    )
    if rent_settings().provider is not None:
        RingriftOperator(
            task_id="rent_hosts",
            words=["hosts", "rent"],
            deadline=hours(1),
            doc_md="`ringrift hosts rent`: rent hosts while games are missing, within the budget, and give them back. "
            "Settings: rent.yaml.",
        )
    EndOrphanedJobsOperator(
        task_id="end_orphaned_jobs",
        doc_md="Kill the jobs, here and on all hosts, that no task waits for any more. Settings: hosts.yaml, "
        "fleet.yaml.",
    )
