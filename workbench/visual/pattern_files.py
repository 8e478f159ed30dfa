"""A user's classifier as a file and back: arrays, JSON, one hash; never a pickle (`quant.model_file`).

The labels are not in the file: they are the ledger's. It says by a digest which they were, and is refused with others.
"""

import json
from collections.abc import Sequence
from hashlib import sha256

from workbench.domain.errors import ModelRefused
from workbench.domain.patterns import Annotation
from workbench.quant.model_file import pack, unpack
from workbench.quant.model_values import put_together, taken_apart
from workbench.quant.pattern_model import PatternModel
from workbench.visual.pattern_classifier import PatternClassifier, Training

KIND = "patterns"
FORMAT = 3  # one more whenever the same labels would be learned in another way: what was saved before is trained again


def digest_of(labels: Sequence[Annotation]) -> str:
    """What labels teach, as one hash: their windows, names and how far their makers saw; no notes, no outcomes."""
    told = [
        [one.annotation_id, one.pattern, one.symbol, one.timeframe.text]
        + [at.isoformat() for at in (one.first_at, one.last_at, one.seen_until)]
        + [list(one.bars)]
        for one in labels
    ]
    return sha256(json.dumps([FORMAT, told]).encode()).hexdigest()


def pack_classifier(classifier: PatternClassifier, digest: str) -> bytes:
    """digest : of all labels that were there, those of too few kinds included."""
    model, training = taken_apart(classifier.model), taken_apart(classifier.training).header
    header = {"kind": KIND, "format": FORMAT, "labels": digest, "model": model.header, "training": training}
    return pack(model.arrays, header)


def unpack_classifier(data: bytes, expected: str, labels: Sequence[Annotation]) -> PatternClassifier:
    """The classifier of `labels` (all of the user's). Raises ModelRefused where the file is none, or not theirs."""
    file = unpack(data, expected)
    said = {name: file.header.get(name) for name in ("kind", "format", "labels")}
    wanted = {"kind": KIND, "format": FORMAT, "labels": digest_of(labels)}
    wrong = next((name for name, value in wanted.items() if said[name] != value), None)
    if wrong:
        raise ModelRefused(f"the file's {wrong} is {str(said[wrong])[:40]!r}, not {wanted[wrong]!r}")
    model = put_together(PatternModel, file, file.header.get("model"))
    training = put_together(Training, file, file.header.get("training"))
    return PatternClassifier(model, [one for one in labels if one.pattern in training.labels], training)
