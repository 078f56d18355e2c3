"""Tuning of the heuristic's weights over the hosts of role `hp_tuning`: a run of the DAG is a generation."""

from __future__ import annotations

from airflow.sdk import Param

from ringrift.game.boards import configs
from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.operators.tuning import AnswerOperator, AskAgainOperator, AskOperator, TellOperator
from ringrift_airflow.retries import RETRY_POLICY

RUN = "{{ ti.xcom_pull(task_ids='begin')['run'] }}"

settings = dag_settings()

with ringrift_dag(
    "ringrift__tune",
    settings,
    description="Weights of the heuristic, tuned by CMA-ES over all hosts for it",
    every=None,
    max_active_runs=1,
    tags=["tuning"],
    params={
        "config": Param(
            "square8_2p", type="string", enum=[f"{board}_{players}p" for board, players in configs()], title="Config"
        ),
        "method": Param(
            "iterative",
            type="string",
            enum=["plain", "iterative"],
            title="Method",
            description="CMA-ES with one start, or with restarts around the best weights.",
        ),
        "evaluator": Param(
            "one_ply",
            type="string",
            enum=["one_ply", "search", "both"],
            title="Evaluator",
            description="Games one action ahead, of minimax and maxn, or both.",
        ),
        "generations": Param(25, type="integer", minimum=1, maximum=10_000, title="Generations of every start"),
        "games": Param(48, type="integer", minimum=1, maximum=100_000, title="Games of an evaluation"),
        "parts": Param(
            4,
            type="integer",
            minimum=1,
            maximum=100,
            title="Parts",
            description="Tasks of a generation: as many as there are hosts, or a few more.",
        ),
        "run": Param(
            None,
            type=["null", "string"],
            title="Run",
            description="Name of the run; by default made from the fields above, the settings and the weights in use: "
            "the same form goes on with it until others are accepted.",
        ),
    },
    doc_md="### Tuning\n\nA run of this DAG is one generation of CMA-ES: the tuning run asks for the scores of its "
    "candidates, mapped tasks play their games on hosts of role `hp_tuning`, and the run takes the scores in. Then the "
    "next run is started, until the tuning run is finished; its weights are in its folder under "
    "`data/tuning/heuristic`, for `ringrift tune accept`. What a dead host has not answered is asked again. "
    "Settings: tuning.yaml, hosts.yaml.",
):
    begin = RingriftOperator(
        task_id="begin",
        words=[
            *("tune", "heuristic", "{{ params.config }}", "--begin"),
            "{{ '--run=' ~ params.run if params.run else '' }}",
            *("--evaluator", "{{ params.evaluator }}", "--generations", "{{ params.generations }}"),
            *("--games", "{{ params.games }}", "{{ '--plain' if params.method == 'plain' else '' }}"),
        ],
        doc_md="`ringrift tune heuristic --begin`: begin the run, or take up the one that exists.",
    )
    ask = AskOperator(
        task_id="ask",
        words=["tune", "ask", RUN, "--parts", "{{ params.parts }}"],
        doc_md="`ringrift tune ask`: the candidates that have no scores yet, in parts.",
    )
    answer = AnswerOperator.partial(
        task_id="answer",
        role="hp_tuning",
        deadline=hours(6),
        pool="ringrift_tuning",
        retry_policy=RETRY_POLICY,  # else `partial` makes it None
        doc_md="`ringrift tune answer`: the games of a part, on a host of role `hp_tuning`.",
    ).expand(words=ask.output)
    tell = TellOperator(
        task_id="tell",
        words=["tune", "tell", RUN, "--plot", f"{RUN}/progress.png"],
        trigger_rule="all_done_min_one_success",
        doc_md="`ringrift tune tell`: all answers that have come. A part that failed for good is asked again. "
        "The run's folder has a picture of how far it is, progress.png.",
    )
    again = AskAgainOperator(
        task_id="again",
        trigger_dag_id="ringrift__tune",
        begun_by="begin",
        doc_md="Start the next run of this DAG, for the next generation.",
    )
    begin >> ask
    answer >> tell >> again
