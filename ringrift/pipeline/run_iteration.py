"""One iteration of the loop in one process, stage by stage as `stages.py` lists them.

The results are in the file of the iteration, written after every stage. Each stage can be killed at any moment and
repeated; an iteration that was cancelled or killed goes on with the stage that was not finished.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from ringrift.game import RingRiftError
from ringrift.pipeline.halt import Halted, halted
from ringrift.pipeline.iteration import Iteration, LoopInputs, last_iteration, write_iteration
from ringrift.pipeline.pipeline_settings import PipelineSettings
from ringrift.pipeline.signs_of_life import LOOP_SECONDS, count_stage, leave_sign, with_signs
from ringrift.pipeline.stage_functions import STAGE_FUNCTIONS
from ringrift.resources import Guard
from ringrift.run_context import Cancelled, RunContext


def run_iteration(inputs: LoopInputs, context: RunContext[PipelineSettings]) -> Iteration:
    """Begin the next iteration of a config, or go on with one that is not over, and return it with its results.

    Raises `Cancelled`, `Halted` while the loop is halted, `NoRoom` where the machine has none for a stage, and what
    stages raise.
    """
    iteration = last_iteration(inputs.iterations, inputs.config)
    if iteration is None or iteration.over:
        iteration = Iteration(inputs.config, 0 if iteration is None else iteration.number + 1, {})
    last = list(STAGE_FUNCTIONS)[-1]
    guard = Guard(context.settings.guard, inputs.folders, gpu=True)
    context = replace(context, progress=with_signs(context.progress))
    for name, stage in STAGE_FUNCTIONS.items():
        if name in iteration.stages:
            continue
        if (why := halted()) is not None:
            raise Halted(why)
        if name != "threshold":  # as that only counts
            guard.wait_for_room(name, context.cancellation)
        leave_sign("loop", LOOP_SECONDS)
        began, cpu = time.monotonic(), _cpu_seconds()
        try:
            result = stage(inputs, iteration, context)
        except RingRiftError:
            if not context.cancelled:
                count_stage(inputs.database, inputs.config, name, "failed")
                raise
        seconds = iteration.spent[0] + time.monotonic() - began
        cpu_seconds = iteration.spent[1] + _cpu_seconds() - cpu
        if context.cancelled:
            write_iteration(inputs.iterations, replace(iteration, spent=(seconds, cpu_seconds)))
            raise Cancelled(
                f"{inputs.config}: iteration {iteration.number} was cancelled in {name}; it goes on from there"
            )
        result = replace(result, over=result.over or name == last, seconds=seconds, cpu_seconds=cpu_seconds)
        iteration = replace(iteration, stages=iteration.stages | {name: result}, spent=(0.0, 0.0))
        write_iteration(inputs.iterations, iteration)
        count_stage(inputs.database, inputs.config, name, "success")
        if iteration.over:
            break
    leave_sign("loop", LOOP_SECONDS)
    return iteration


def _cpu_seconds() -> float:
    """Return the processor time of this process and of those that it started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
