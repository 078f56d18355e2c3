"""Jobs with real processes: started once, watched from anywhere, and ended with all that they have begun."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringrift.fleet import (
    BadJob,
    Job,
    JobTrouble,
    LocalShell,
    State,
    Unreachable,
    Work,
    read_output,
    start_job,
    sweep_jobs,
)
from ringrift.fleet.jobs import SCRIPT, parse_status, script_of, whole_lines
from tests.fleet.conftest import Jobs
from tests.processes import alive, family, kill_all

POSIX_SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def test_a_job_runs_in_its_folder_with_its_environment_and_leaves_its_exit_code(jobs: Jobs, tmp_path: Path) -> None:
    assert jobs.start("a", "pwd; echo $COLOUR; echo wrong >&2; exit 7", COLOUR="dark 'blue' $(red)")
    status = jobs.ended("a")
    assert (status.state, status.code) == (State.DONE, 7)
    assert status.log.decode().splitlines() == [str(tmp_path), "dark 'blue' $(red)", "wrong"]
    assert status.log_size == len(status.log)


@pytest.mark.parametrize(
    ("command", "code"),
    [("true", 0), ("exit 3", 3), ("false; echo on; true", 0), ("no-such-program", 127), ("kill -9 $$", 137)],
)
def test_every_kind_of_end_has_its_code(command: str, code: int, jobs: Jobs) -> None:
    jobs.start("a", command)
    assert (jobs.ended("a").state, jobs.ended("a").code) == (State.DONE, code)


def test_a_job_is_started_once_however_many_ask_for_it_at_once(jobs: Jobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: jobs.start("a", "echo begun; sleep 60"), range(8)))
    assert sorted(answers) == [False] * 7 + [True]
    assert jobs.told("a", b"begun\n").log == b"begun\n"
    jobs.kill("a")
    assert not jobs.start("a", "echo again")
    assert jobs.status("a").state is State.KILLED


def test_a_job_outlives_whoever_started_it_and_is_found_again(jobs: Jobs) -> None:
    script = f"""
import asyncio
from ringrift.fleet import *
asyncio.run(start_job(LocalShell(), Job("a", {str(jobs.root)!r}), Work("read line; echo $?; sleep 60")))
import os, signal
os.killpg(0, signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], start_new_session=True, check=False)
    assert done.returncode == -signal.SIGKILL
    status = jobs.told("a", b"1\n")  # its input is closed: `read` finds nothing
    assert status.state is State.RUNNING
    assert status.pid is not None
    assert alive(status.pid)


def test_a_killed_job_takes_along_all_its_processes(jobs: Jobs) -> None:
    own_group = "setsid sh -c 'echo two $$; sleep 60' & "
    deaf = "sh -c 'trap \"\" TERM; echo three $$; while :; do sleep 1; done' & "
    jobs.start("a", f"echo one $$; {own_group}{deaf} wait; sleep 60")
    jobs.told("a", b"three")
    log = jobs.told("a", b"two").log.decode().split()
    processes = [int(word) for word in log if word.isdigit()]
    assert len(processes) == 3
    assert all(map(alive, processes))
    assert jobs.kill("a", grace=1) is State.KILLED
    assert not any(map(alive, processes))
    assert jobs.status("a").state is State.KILLED
    assert jobs.kill("a") is State.KILLED


def test_a_job_that_is_killed_may_put_its_things_in_order(jobs: Jobs) -> None:
    jobs.start("a", "trap 'echo saved; exit 143' TERM; echo begun; while :; do sleep 0.1; done")
    jobs.told("a", b"begun")
    jobs.kill("a")
    status = jobs.status("a")
    assert (status.state, status.code) == (State.KILLED, 143)
    assert b"saved" in status.log


def test_to_kill_what_has_ended_or_never_was_changes_nothing(jobs: Jobs) -> None:
    jobs.start("a", "exit 5")
    jobs.ended("a")
    assert jobs.kill("a") is State.DONE
    assert jobs.status("a").code == 5
    assert jobs.kill("b") is State.MISSING
    assert jobs.status("b").state is State.MISSING


def test_a_job_killed_while_it_starts_never_begins(jobs: Jobs) -> None:
    for number in range(5):
        name = f"a-{number}"
        jobs.start(name, "echo begun >begun; sleep 60")
        assert jobs.kill(name) is State.KILLED
        assert jobs.status(name).state is State.KILLED


def test_another_job_whose_name_begins_the_same_is_left_alone(jobs: Jobs) -> None:
    jobs.start("a-1", "sleep 60")
    jobs.start("a-10", "sleep 60")
    jobs.kill("a-1")
    assert jobs.list() == {"a-1": State.KILLED, "a-10": State.RUNNING}


def test_a_job_whose_watching_process_was_shot_is_lost_and_can_still_be_killed(jobs: Jobs) -> None:
    jobs.start("a", "echo $$; sleep 60")
    log = jobs.told("a", b"\n").log
    pid = jobs.status("a").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert jobs.ended("a").state is State.LOST
    assert alive(int(log))
    assert jobs.kill("a") is State.KILLED
    assert not alive(int(log))


def test_after_a_new_start_of_the_host_a_job_is_lost_but_one_that_had_ended_is_not(jobs: Jobs) -> None:
    jobs.start("ended", "exit 4")
    jobs.ended("ended")
    jobs.start("running", "sleep 60")
    for name in ("ended", "running"):
        (jobs.folder(name) / "boot").write_text("another\n")
    assert (jobs.status("ended").state, jobs.status("ended").code) == (State.DONE, 4)
    assert jobs.status("running").state is State.LOST


def test_a_number_that_another_process_has_now_does_not_make_a_job_alive(jobs: Jobs) -> None:
    jobs.start("a", "sleep 60")
    pid = jobs.wait("a", lambda status: status.pid is not None).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    (jobs.folder("a") / "pid").write_text(f"{os.getpid()}\n")
    assert jobs.status("a").state is State.LOST
    jobs.kill("a")  # does not hit the process of this test


def test_a_zombie_is_not_alive(jobs: Jobs) -> None:
    with subprocess.Popen(["true"], env={"RINGRIFT_JOB": f"{jobs.folder('a')}/"}) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
        os.kill(process.pid, 0)  # which `kill -0` does not notice
        jobs.start("a", "sleep 60")
        pid = jobs.wait("a", lambda status: status.pid is not None).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        (jobs.folder("a") / "pid").write_text(f"{process.pid}\n")
        assert jobs.status("a").state is State.LOST


def test_a_start_that_was_cut_short_gets_a_minute_and_is_lost_then(jobs: Jobs) -> None:
    jobs.folder("a").mkdir(parents=True)
    assert jobs.status("a").state is State.RUNNING
    created = jobs.folder("a") / "created"
    created.write_text(f"{int(created.read_text()) - 100}\n")
    assert jobs.status("a").state is State.LOST
    assert jobs.kill("a") is State.KILLED


def test_the_log_is_read_on_from_a_byte(jobs: Jobs) -> None:
    text = "".join(f"{number} ö\n" for number in range(2000)).encode()
    jobs.start("a", "for i in $(seq 0 1999); do echo $i ö; done")
    jobs.ended("a")
    pieces = []
    offset = 0
    while piece := jobs.status("a", offset, limit=1000).log:
        pieces.append(piece)
        offset += len(piece)
    assert b"".join(pieces) == text
    assert jobs.status("a", offset + 10).log == b""


def test_only_whole_lines_are_told_of_a_running_job() -> None:
    assert whole_lines(b"one\ntwo\nthr", ended=False) == b"one\ntwo\n"
    assert whole_lines(b"one\ntwo\nthr", ended=True) == b"one\ntwo\nthr"
    assert whole_lines("ö".encode()[:1], ended=False) == b""


def test_what_a_job_writes_as_its_output_is_kept_apart_from_its_log(jobs: Jobs) -> None:
    jobs.start("a", 'echo said; echo \'{"games": 3}\' >"$RINGRIFT_JOB/output"')
    assert jobs.ended("a").log == b"said\n"
    assert asyncio.run(read_output(jobs.shell, jobs.job("a"))) == b'{"games": 3}\n'
    jobs.start("b", "true")
    assert asyncio.run(read_output(jobs.shell, jobs.job("b"))) == b""


def test_a_gpu_belongs_to_one_job_at_a_time_and_is_free_when_its_processes_are_gone(jobs: Jobs) -> None:
    jobs.start("a", "echo sees $CUDA_VISIBLE_DEVICES; sleep 60", gpus=(1, 3))
    jobs.told("a", b"sees 1,3")
    jobs.start("b", "echo has it", gpus=(3,))
    jobs.start("c", "echo has it", gpus=(2,))
    jobs.told("b", b"waiting for GPU 3")
    assert jobs.ended("c").code == 0
    assert jobs.status("b").state is State.RUNNING
    jobs.kill("a")
    assert jobs.ended("b").log.endswith(b"has it\n")


def test_a_job_sees_the_gpus_that_it_has_locked_and_no_other(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    jobs.start("a", "echo sees ${CUDA_VISIBLE_DEVICES-all}.")
    assert jobs.ended("a").log == b"sees .\n"
    work = Work("echo sees ${CUDA_VISIBLE_DEVICES-all}.", str(jobs.root.parent), gpus=None)
    asyncio.run(start_job(jobs.shell, jobs.job("b"), work))
    assert jobs.ended("b").log == b"sees 5.\n", "of this machine, whose GPUs nobody gives out"


def test_what_a_command_has_left_behind_ends_with_it_and_its_gpu_is_free(jobs: Jobs) -> None:
    jobs.start("a", "sleep 600 & echo $!; setsid sleep 600 & echo $!; kill -9 $$", gpus=(0,))
    jobs.start("b", "echo has it", gpus=(0,))
    assert jobs.ended("b").log.endswith(b"has it\n")
    status = jobs.status("a")
    assert (status.state, status.code) == (State.DONE, 137)
    first, second, line = status.log.decode().splitlines()
    assert line == f"the command has ended; so must what it has left behind: process {first} {second}"
    assert not any(map(alive, map(int, (first, second))))


def test_what_an_ended_job_still_has_can_be_killed(jobs: Jobs) -> None:
    jobs.start("a", "echo $$; sleep 60")
    left = int(jobs.told("a", b"\n").log)
    pid = jobs.status("a").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # the runner, as if just after it wrote down the end
    (jobs.folder("a") / "exit").write_text("3\n")
    assert jobs.status("a").state is State.DONE
    assert jobs.kill("a") is State.DONE
    assert not alive(left)
    assert (jobs.status("a").state, jobs.status("a").code) == (State.DONE, 3)


def test_all_gpus_of_a_job_are_locked_as_long_as_its_command_lives(jobs: Jobs) -> None:
    jobs.start("a", "echo $$; exec sleep 60", gpus=(1, 3))
    command = int(jobs.told("a", b"\n").log)
    pid = jobs.status("a").pid
    assert pid is not None
    kill_all(each for each in family(pid) if each != command)
    for name, gpu in (("b", 1), ("c", 3)):
        jobs.start(name, "echo has it", gpus=(gpu,))
        jobs.told(name, b"waiting for GPU %d" % gpu)
    jobs.kill("a")
    for name in ("b", "c"):
        assert jobs.ended(name).log.endswith(b"has it\n")


def test_jobs_of_a_host_with_busybox_are_found_killed_and_wait_for_their_gpu(small_jobs: Jobs) -> None:
    jobs = small_jobs
    jobs.start("a", "setsid sleep 600 & echo $! $$; sleep 600", gpus=(0, 1))
    processes = list(map(int, jobs.told("a", b"\n").log.split()))
    jobs.start("b", "sleep 600 & echo $!", gpus=(1,))
    jobs.told("b", b"waiting for GPU 1")
    assert jobs.list() == {"a": State.RUNNING, "b": State.RUNNING}
    assert jobs.kill("a") is State.KILLED
    assert not any(map(alive, processes))
    status = jobs.ended("b")
    assert (status.state, status.code) == (State.DONE, 0)
    assert not alive(int(status.log.splitlines()[1]))


def test_a_job_that_waits_for_a_gpu_can_be_killed(jobs: Jobs) -> None:
    jobs.start("a", "sleep 60", gpus=(0,))
    jobs.wait("a", lambda status: status.pid is not None)
    jobs.start("b", "echo begun", gpus=(0,))
    jobs.told("b", b"waiting")
    assert jobs.kill("b") is State.KILLED
    assert b"begun" not in jobs.status("b").log


def test_the_heartbeat_tells_how_long_ago_a_job_was_alive(jobs: Jobs) -> None:
    jobs.start("a", "sleep 60")
    assert jobs.wait("a", lambda status: status.heartbeat_age is not None).heartbeat_age in (0, 1, 2)
    beat = jobs.folder("a") / "heartbeat"
    beat.write_text(f"{int(beat.read_text()) - 500}\n")
    age = jobs.status("a").heartbeat_age
    assert age is not None
    assert 500 <= age < 510


def test_old_jobs_are_swept_away_but_none_that_has_processes(jobs: Jobs) -> None:
    for name, command in (("old", "true"), ("new", "true"), ("running", "sleep 60")):
        jobs.start(name, command)
    for name in ("old", "new"):
        jobs.ended(name)
    jobs.wait("running", lambda status: status.heartbeat_age is not None)
    for name in ("old", "running"):
        beat = jobs.folder(name) / "heartbeat"
        beat.write_text(f"{int(beat.read_text()) - 5000}\n")
    while "old" in jobs.list():  # what beats the heart of a job may outlive it by some seconds
        told = asyncio.run(sweep_jobs(jobs.shell, str(jobs.root), older_than=3600, dry_run=True))
        assert list(told) in ([], ["old"])
        assert "old" in jobs.list(), "only told"
        swept = asyncio.run(sweep_jobs(jobs.shell, str(jobs.root), older_than=3600))
        assert list(swept) in ([], ["old"])
        assert all(size > 0 for size in swept.values())
    assert sorted(path.name for path in jobs.root.iterdir()) == ["new", "running"]


@pytest.mark.parametrize("name", ["", ".", "../a", "a/b", "-a", "a b", "$(a)", "a\nb"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadJob, match="a name consists of"):
        Job(name, "/tmp")


def test_what_a_host_cannot_do_is_one_line(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadJob, match="no name of a variable"):
        jobs.start("a", "true", **{"A B": "1"})
    work = Work("true", folder=str(tmp_path / "nowhere"))
    with pytest.raises(JobTrouble, match=r"there is no folder .*nowhere on this host"):
        asyncio.run(start_job(jobs.shell, jobs.job("a"), work))
    assert jobs.status("a").state is State.MISSING
    with pytest.raises(JobTrouble, match="cannot be made"):
        asyncio.run(start_job(jobs.shell, Job("a", str(tmp_path / "file")), work))
    with pytest.raises(JobTrouble, match="asked for the state of a job, it answers"):
        parse_status(b"Welcome to this host!\nstate done\n\n"[:20])


def test_a_text_that_was_cut_on_its_way_does_nothing(tmp_path: Path) -> None:
    whole = script_of(("start", str(tmp_path / "jobs"), "a", str(tmp_path), "", "true", ""))
    for length in (len(whole) // 3, len(whole) // 2, len(whole) - len('main "$@"\n')):
        asyncio.run(LocalShell().run(whole[:length]))
        assert list(tmp_path.iterdir()) == []


def test_a_shell_that_does_not_answer_in_time_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"has not answered for 0\.2 s"):
        asyncio.run(LocalShell().run(b"sleep 60", seconds=0.2))


@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_any_shell_of_posix_understands_the_script(shell: str, tmp_path: Path) -> None:
    program = [shell, "sh"] if shell == "busybox" else [shell]

    def ask(*words: str) -> str:
        script = script_of((words[0], str(tmp_path / "jobs"), *words[1:]))
        done = subprocess.run([*program, "-s"], input=script, capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout.decode()

    assert ask("start", "a", str(tmp_path), "0", "echo begun; exit 3", "export A=1\n") == "started\n"
    assert ask("start", "a", str(tmp_path), "0", "echo begun", "") == "exists\n"
    while "state running" in (said := ask("status", "a")):
        pass
    assert "state done\ncode 3\n" in said
    assert said.endswith("\n\nbegun\n")
    ask("start", "b", str(tmp_path), "", "sleep 60")
    assert ask("kill", "b") == "state killed\n"
    assert ask("list") == "done a\nkilled b\n"


def test_the_script_ends_in_the_only_line_that_does_something() -> None:
    assert SCRIPT.endswith(b'\nmain "$@"\n')
