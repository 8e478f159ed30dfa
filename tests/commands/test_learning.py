"""/learning: skill over time, what was put to use, whose features are heard, how trainings ended."""

from datetime import UTC, datetime

import numpy as np

from tests.commands.test_league import desk, desk_scores, scored, texts  # noqa: F401
from workbench.commands.formats import cells
from workbench.commands.reply import Chart, Table
from workbench.domain.events import NewEvent
from workbench.ledger.model_store import ModelStore
from workbench.orchestration.sync_topics import TRAINING_ENDED
from workbench.quant.model_file import pack

NAME = "volatility:30m:48"


def tables(reply):
    return {part.title: cells(part) for part in reply.parts if isinstance(part, Table)}


async def test_before_anything_is_scored_it_says_so(desk):  # noqa: F811
    reply = await desk.ask("/learning")

    assert reply.ok
    assert "Too little has been scored yet" in texts(reply)
    assert "none, each bot forecasts by its own" in texts(reply)
    assert tables(reply) == {}


async def test_it_shows_the_course_the_models_and_the_trainings(scored):  # noqa: F811
    store = ModelStore(scored.ledger)
    bots = {"trend": "better by 4 %", "breakout": "<b>worse</b>"}
    for version in (1, 2):
        facts = {"better": True, "reason": f"better by {version} %", "bots": bots, "lifts": [["trend/signal"]]}
        model = store.put(NAME, pack({"loss": np.array([version])}, {}), facts, "desk")
        store.promote(model, version - 1, "desk", facts["reason"])
    words = "training killed: by signal 9"
    scored.ledger.append([NewEvent(TRAINING_ENDED, "desk", {"training": "x", "words": words}, "t", datetime.now(UTC))])

    reply = await scored.ask("/learning")

    assert reply.ok
    assert "trend is the best: skill +" in texts(reply)
    assert f"Model in use: {NAME} version 2; 2 trained" in texts(reply)
    (chart,) = [part for part in reply.parts if isinstance(part, Chart)]
    assert {row["bot"] for rows in chart.spec["datasets"].values() for row in rows if "bot" in row} == {
        "trend",
        "breakout",
    }
    shown = tables(reply)
    assert [row[1:4] for row in shown["Put to use"]] == [[NAME, "2", "1"], [NAME, "1", "–"]]
    told = shown["Bots' features in the newest model"]
    assert [row[:2] for row in told] == [["trend", "heard"], ["breakout", "left out"]]
    assert shown["Trainings on schedule"][0][1] == words
