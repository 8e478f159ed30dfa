"""The pattern lab's hand in the kernel: each thing a page asks is checked, done in a thread, and answered.

An answer bears the asking page's name and turn, so that a page shows the newest only. What changes labels is told to
every page of this kernel.
"""

import asyncio
import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from workbench.domain.errors import ValueRefused, WorkbenchError
from workbench.visual.lab_session import LabSession
from workbench.widgets import desk_wire as wire
from workbench.widgets import lab_wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
SKIPPED_MOST = 500
TELL_EVERY_S = 0.1
CHANGES = frozenset({"save", "delete", "undo", "bring", "accept", "train"})
"""What changes labels, or what is learned from them."""


class LabHand:
    """`hear` what a browser says; `send` gets the answers. Needs the kernel's running loop. `refuses`: why the one who
    looks may not change anything here, '' where that is allowed."""

    def __init__(self, session: LabSession, send: Callable[[Json], None], refuses: str = ""):
        self.session, self._send, self._refuses = session, send, refuses
        self._tasks: set[asyncio.Task] = set()
        self._training: asyncio.Task | None = None
        self._counting = 0
        self._answers: Mapping[str, Callable[[Mapping[str, Any]], Json]] = {
            "hello": self._hello,
            "chart": self._chart,
            "ending": self._ending,
            "similar": self._similar,
            "save": self._save,
            "delete": self._delete,
            "undo": self._undo,
            "recognise": self._recognise,
            "records": self._records,
            "propose": self._propose,
            "take": self._take,
            "bring": self._bring,
            "accept": self._accept,
        }

    def hear(self, content: Mapping[str, Any]) -> None:
        """{"kind", "page", "turn", …}. Whatever it is, it is answered: by its kind, or by 'refused' with the reason."""
        kind = str(content.get("kind"))
        about = {"kind": kind, "page": str(content.get("page"))[:40], "turn": content.get("turn")}
        if self._refuses and kind in CHANGES:
            self._send({**about, "kind": "refused", "asked": kind, "words": self._refuses})
        elif kind == "train":
            self._train(about)
        elif kind in self._answers:
            self._keep(asyncio.create_task(self._answer(kind, about, content), name=f"lab-{kind}"))

    async def stop(self) -> None:
        """Wait for what is under way: labels are never half kept."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def told(self) -> Json:
        """Everything that is labelled, what others share, and what was learned from it."""
        session = self.session
        return {
            "labels": [lab_wire.label(one) for one in session.labels()],
            "patterns": [lab_wire.pattern(one) for one in session.patterns()],
            "received": [lab_wire.label(one) for one in session.received()],
            "offers": [lab_wire.offer(one) for one in session.offers()],
            "trained": lab_wire.trained(session.learner.trained(session.user_id)),
        }

    def _keep(self, task: asyncio.Task) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, kind: str, about: Json, content: Mapping[str, Any]) -> None:
        told = await self._tried(kind, about, lambda: self._answers[kind](content))
        if told is None:
            return
        self._send({**about, **told})
        if kind in ("save", "delete", "undo", "bring", "accept"):
            self._send({"kind": "labels", **await asyncio.to_thread(self.told)})
        elif (
            kind == "hello"
            and not self._refuses
            and await asyncio.to_thread(self.session.learner.due, self.session.user_id)
        ):
            self._train(about, anew=False)
        elif kind == "chart":
            await asyncio.to_thread(self.session.warm, told["timeframe"])

    async def _tried(self, kind: str, about: Json, work: Callable[[], Json]) -> Json | None:
        try:
            return await asyncio.to_thread(work)
        except WorkbenchError as error:
            words = str(error)
        except Exception as error:  # the page's supervisor: a fault of ours must not look like work under way
            log.error("lab_broke", asked=kind, error=repr(error), exc_info=error)
            words = f"{type(error).__name__}: {error}"
        self._send({**about, "kind": "refused", "asked": kind, "words": wire.clean(words)})
        return None

    def _train(self, about: Json, anew: bool = True) -> None:
        if self._training and not self._training.done():  # asked again while under way: it goes on, and tells all
            return
        self._training = asyncio.create_task(self._learn(about, anew), name="lab-train")
        self._keep(self._training)

    async def _learn(self, about: Json, anew: bool) -> None:
        loop, newest = asyncio.get_running_loop(), [-1.0]

        def tell(done: float, words: str) -> None:
            now = loop.time()
            if now - newest[0] >= TELL_EVERY_S or done >= 1:
                newest[0] = now
                said = {"kind": "training", "done": wire.number(done), "words": wire.clean(words)}
                loop.call_soon_threadsafe(self._send, said)

        self._send({"kind": "training", "done": 0.0, "words": "reading labels"})
        told = await self._tried("train", about, lambda: {"trained": lab_wire.trained(self.session.train(tell, anew))})
        if told is not None:
            self._send({**about, "kind": "trained", **told})
            self._keep(asyncio.create_task(self._count(about), name="lab-count"))

    async def _count(self, about: Json) -> None:
        """Told to every page once it is known; in between it says that it is under way."""
        self._counting += 1
        self._send({"kind": "records", **await asyncio.to_thread(self._records, {})})
        await self._tried("records", about, self._counted)
        self._counting -= 1
        self._send({"kind": "records", **await asyncio.to_thread(self._records, {})})

    def _hello(self, content: Mapping[str, Any]) -> Json:
        return self.told()

    def _chart(self, content: Mapping[str, Any]) -> Json:
        return lab_wire.chart(self.session.charts.part(*_chart_in(content), _around_in(content)))

    def _ending(self, content: Mapping[str, Any]) -> Json:
        rule = lab_wire.rule_in(content.get("rule"))
        return {"ending": lab_wire.ending(self.session.ending(lab_wire.window_in(content), rule))}

    def _similar(self, content: Mapping[str, Any]) -> Json:
        return {"matches": [lab_wire.match(one) for one in self.session.similar(lab_wire.window_in(content))]}

    def _save(self, content: Mapping[str, Any]) -> Json:
        said = lab_wire.label_in(content)
        if content.get("id") is None:
            kept = self.session.label(f"lab-{uuid.uuid4().hex[:20]}", lab_wire.window_in(content), said)
        elif content.get("moved") is True:
            kept = self.session.label(lab_wire.id_in(content["id"]), lab_wire.window_in(content), said)
        else:
            kept = self.session.reword(lab_wire.id_in(content["id"]), said)
        return {"label": lab_wire.label(kept), "fresh": content.get("id") is None}

    def _delete(self, content: Mapping[str, Any]) -> Json:
        self.session.delete(lab_wire.id_in(content.get("id")))
        return {"id": content["id"]}

    def _undo(self, content: Mapping[str, Any]) -> Json:
        change = self.session.undo()
        if change is None:
            return {"words": "nothing left to undo"}
        name = f" {change.after.pattern}" if change.after else ""
        return {"words": wire.clean(f"undone: the label{name} is {'back as it was' if change.after else 'gone'}")}

    def _recognise(self, content: Mapping[str, Any]) -> Json:
        symbol, timeframe = _chart_in(content)
        found = [lab_wire.finding(one) for one in self.session.recognise(symbol, timeframe, _around_in(content))]
        return {"symbol": symbol, "timeframe": timeframe, "findings": found}

    def _records(self, content: Mapping[str, Any]) -> Json:
        otherwise = lab_wire.COUNTING if self._counting else lab_wire.UNCOUNTED
        return {"records": lab_wire.records(self.session.patterns(), self.session.records(), otherwise)}

    def _counted(self) -> Json:
        self.session.count()
        return {}

    def _take(self, content: Mapping[str, Any]) -> Json:
        ending = lab_wire.ending_in(content.get("ending"))
        return {"name": f"labels.{ending}", "data": base64.b64encode(self.session.exported(ending)).decode()}

    def _bring(self, content: Mapping[str, Any]) -> Json:
        ending = lab_wire.ending_in(lab_wire.text_in(content.get("name"), 300).rpartition(".")[2].lower())
        count = self.session.imported(ending, lab_wire.bytes_in(content.get("data")))
        return {"words": f"{count} labels taken in" if count else "nothing new in that file"}

    def _accept(self, content: Mapping[str, Any]) -> Json:
        """Owner and pattern as `told` has them: as the page shows them, so that names from outside stay text."""
        owner, pattern = (lab_wire.text_in(content.get(name), 200) for name in ("owner", "pattern"))
        one = next((one for one in self.session.offers() if lab_wire.named(one) == (owner, pattern)), None)
        if one is None:
            raise ValueRefused(f"{owner} shares no pattern {pattern!r} any more")
        on = content.get("on") is True
        self.session.accept(one.owner, one.pattern, on)
        learns = "is learned from with the next training" if on else "is learned from no longer"
        return {"words": wire.clean(f"{pattern} of {owner} {learns}")}

    def _propose(self, content: Mapping[str, Any]) -> Json:
        told = content.get("skipped")
        skipped = [str(key)[:160] for key in told[:SKIPPED_MOST]] if isinstance(told, list) else []
        found = self.session.propose(lab_wire.text_in(content.get("timeframe"), 12), skipped)
        return {"matches": [lab_wire.match(one) for one in found]}


def _chart_in(content: Mapping[str, Any]) -> tuple[str, str]:
    return lab_wire.text_in(content.get("symbol"), 80), lab_wire.text_in(content.get("timeframe"), 12)


def _around_in(content: Mapping[str, Any]) -> datetime | None:
    around = content.get("around")
    return None if around is None else lab_wire.moment_in(around, "around")
