"""A stand-in for the command `ringrift`: what it is asked for, and what it should answer, are files.

`calls.jsonl` in its working directory gets a line a call; `answers.json` says for a command how many seconds it takes,
and with which exit code it ends, such as {"train": {"seconds": 5, "code": 1}}. A command that is under way looks again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    words = sys.argv[1:]
    verb = " ".join(words[:2]) if words[0] in ("games", "dataset", "models", "tune", "evaluations") else words[0]
    with Path("calls.jsonl").open("a") as calls:
        calls.write(
            json.dumps({"words": words, "pid": os.getpid(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES")}) + "\n"
        )
    began = time.monotonic()
    step = 0
    while time.monotonic() < began + answer(verb).get("seconds", 0):
        print(f"{verb}: step {step}", file=sys.stderr, flush=True)
        time.sleep(0.25)
        step += 1
    code = answer(verb).get("code", 0)
    if code == 2:
        print(f"error: {verb}: nothing of the sort", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(report(verb, words, code)))
    sys.exit(code)


def answer(verb: str) -> dict[str, Any]:
    path = Path("answers.json")
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found.get(verb, {})


def report(verb: str, words: list[str], code: int) -> Any:
    config = words[1]
    if verb == "games ingest":
        from ringrift.game_database import GamesDatabase

        GamesDatabase(create=True).close()
        return {"games": 3, "added": {"square8_2p": 3}}
    if verb == "dataset export":
        return [{"samples": 100, "games": 3, "identity": "abc"}]
    if verb == "tournament":
        return {"alarms": ["it scores 30%"] if code else []}
    if verb == "preflight":
        checks = [{"name": "games", "verdict": "failed" if code else "ok", "measured": "3", "limit": "≥ 20"}]
        return {"ready": not code, "why": "games: 3" if code else "", "checks": checks}
    if verb == "train" and code:
        return {"nothing_new": "0 of 100 samples are new"}
    if verb == "train":
        content = f"a model of process {os.getpid()}".encode()
        digest = hashlib.sha256(content).hexdigest()
        path = Path("models", config, f"{digest[:16]}.pth")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.with_suffix(".json").write_text(json.dumps({"sha256": digest}))
        if "--register" in words:
            register(config, digest)
        losses = [{"name": "loss", "training": 1.5, "holdout": 1.6}]
        return {"facts": {"model": digest[:16], "ended": "all 2 epochs"}, "losses": losses, "steps": 20, "samples": 900}
    if verb == "evaluate":
        return {"gauntlet": {"passed": code == 0, "random": 0.95, "heuristic": 0.7}}
    if verb == "rate":
        forms = [words[place + 1] for place, word in enumerate(words) if word == "--as"]
        return {"ratings": [{"player": form, "elo": 400.0, "low": 350.0, "high": 450.0} for form in forms]}
    if verb == "promote" and "--check" in words:
        return judged(config, words[2], "refused" if code else "passed")
    if verb == "promote" and not code:
        best = Path("models", f"ringrift_best_{config}.pth")
        shutil.copy(words[2], best)
        shutil.copy(Path(words[2]).with_suffix(".json"), best.with_suffix(".json"))
        return judged(config, words[2], "promoted")
    if verb == "promote":
        return judged(config, words[2], "refused")
    if verb == "tune ask":
        return {
            "question": 3,
            "questions": 10,
            "finished": False,
            "parts": ['{"question": 3}', '{"question": 3, "x": 1}'],
        }
    if verb == "tune answer":
        return {"answers": [{"candidate": number, "score": 0.5} for number in range(1000)]}
    return {"words": words}


def register(config: str, digest: str) -> None:
    """Take a model into the store."""
    from sqlalchemy import text

    from ringrift.game_database import GamesDatabase

    row = {"id": digest[:16], "config": config, "path": f"{config}/{digest[:16]}.pth", "sha256": digest}
    query = (
        "INSERT INTO models (id, config, status, path, sha256, sidecar, created, training, number) SELECT :id, :config,"
        " 'development', :path, :sha256, :sha256, 0, '{}', 1 + count(*) FROM models"
    )
    with GamesDatabase(create=True) as database, database.writing() as connection:
        connection.execute(text(query), row)


def judged(config: str, model: str, outcome: str) -> dict[str, Any]:
    refused = outcome == "refused"
    why = "no: random: won: 81 %, the limit is 90 %" if refused else "passed"
    check = {"name": "random", "asks": "won", "measured": "81 %" if refused else "95 %", "limit": "90 %"}
    gate = {
        "config": config,
        "model": Path(model).stem,
        "champion": None,
        "verdict": why,
        "checks": [check | {"verdict": "failed" if refused else "passed"}],
    }
    return {"outcome": outcome, "model": Path(model).stem, "why": why, "gate": gate}


main()
