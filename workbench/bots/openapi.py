"""The OpenAPI document of the protocol, made from the very models that check the wire."""

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from workbench.bots import wire
from workbench.bots.protocol import VERSION

SHAPES = (
    *(wire.CapabilitiesWire, wire.StatusWire, wire.TradesWire, wire.EquityWire, wire.ForecastWire, wire.PlanWire),
    *(wire.AnalysisWire, wire.FeaturesWire, wire.JobWire, wire.Refusal, wire.ForecastQuestion, wire.SymbolQuestion),
)
READS = {
    "/v1/capabilities": ("CapabilitiesWire", "What the bot does, and for which markets", ()),
    "/v1/status": ("StatusWire", "State, money, positions, and how old its data are", ()),
    "/v1/trades": ("TradesWire", "Finished round trips after fees, newest last", ("limit",)),
    "/v1/equity": ("EquityWire", "Worth of the account at each bar close", ("since",)),
}
QUESTIONS = {
    "/v1/forecast": ("ForecastQuestion", "ForecastWire", "Quantiles of the price `horizon` bars ahead"),
    "/v1/plan": ("SymbolQuestion", "PlanWire", "What the bot would do now: entry, stop, targets, size, reason"),
    "/v1/analyze": ("SymbolQuestion", "AnalysisWire", "How the bot reads the market, in words and indicators"),
    "/v1/features": ("SymbolQuestion", "FeaturesWire", "Numbers of the newest closed bar, for the joint model"),
}
EFFECTS = {
    "/v1/pause": "No new entries; open positions stay managed",
    "/v1/resume": "Trade again; also releases a halt",
    "/v1/halt": "Block entries, cancel orders, close positions, verify at the venue; stays halted until resume",
}
HEADERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "maxLength": 64},
        "description": "The same id is answered again without acting again",
    },
    {
        "name": "X-Fencing-Token",
        "in": "header",
        "schema": {"type": "integer", "minimum": 0},
        "description": "The lease's token; one older than the newest seen is refused with 409",
    },
]
QUERY = {
    "limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0, "default": 100}},
    "since": {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}},
}


@cache
def document(title: str) -> dict[str, Any]:
    """The whole document for the bot named `title`."""
    _, schemas = models_json_schema(
        [(shape, "validation") for shape in SHAPES], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Bot {title}", "version": VERSION},
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {"/v1/health": {"get": {**_answer({"type": "object"}, "The loop ticks"), "security": []}}}
    for path, (shape, words, query) in READS.items():
        paths[path] = {"get": {**_answer(_ref(shape), words), "parameters": [QUERY[name] for name in query]}}
    for path, (asked, shape, words) in QUESTIONS.items():
        paths[path] = {"post": {**_answer(_ref(shape), words), "requestBody": _content(_ref(asked))}}
    for path, words in EFFECTS.items():
        paths[path] = {"post": {**_answer({"type": "object"}, words), "parameters": HEADERS}}
    tune = {**_answer(_ref("JobWire"), "Begin a walk-forward search", "202"), "parameters": HEADERS[:1]}
    paths["/v1/tune"] = {"post": {**tune, "requestBody": _content(_ref("SymbolQuestion"))}}
    job_id = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths["/v1/tune/{job_id}"] = {
        "get": {**_answer(_ref("JobWire"), "How far it is"), "parameters": [job_id]},
        "delete": {**_answer(_ref("JobWire"), "Cancel it"), "parameters": [job_id]},
    }
    return paths


def _answer(schema: dict[str, Any], words: str, status: str = "200") -> dict[str, Any]:
    refused = {"description": "Refused: what is wrong, and what to do next", **_content(_ref("Refusal"))}
    return {"summary": words, "responses": {status: {"description": words, **_content(schema)}, "default": refused}}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
