"""Models from strangers: only numbers come in, exactly those that were sent, or nothing with a reason."""

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from workbench.domain.errors import ModelRefused
from workbench.quant import model_file
from workbench.quant.model_file import digest, pack, unpack

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "roots": np.array([0, 4], dtype=np.int64)}
HEADER = {"kind": "volatility", "version": 3, "columns": ["a", "b"], "loss": 0.25}
GOOD = pack(ARRAYS, HEADER)

DTYPES = st.sampled_from(["<f8", ">f8", "<f4", "<i8", ">i4", "i2", "u1", "u8", "?"])
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
many = st.dictionaries(names, DTYPES.flatmap(lambda d: arrays(d, shapes)), max_size=4)


@given(many, st.dictionaries(st.text(), plain, max_size=4))
@settings(deadline=None, max_examples=80)
def test_what_was_packed_comes_back_bit_by_bit(given_arrays, header):
    data = pack(given_arrays, header)
    found = unpack(data, digest(data))

    assert found.header == header
    assert set(found.arrays) == set(given_arrays)
    for name, array in given_arrays.items():
        back = found.arrays[name]
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder("<")
        assert back.tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
        assert not back.flags.writeable


@given(st.permutations(list(ARRAYS)))
def test_one_model_has_one_hash(order):
    assert pack({name: ARRAYS[name] for name in order}, dict(reversed(HEADER.items()))) == GOOD


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_a_changed_byte_never_passes_for_the_announced_model(data):
    at = data.draw(st.integers(0, len(GOOD) - 1))
    changed = bytearray(GOOD)
    changed[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(ModelRefused, match="hash"):
        unpack(bytes(changed), digest(GOOD))


@given(st.binary(max_size=300) | st.builds(lambda cut, tail: GOOD[:cut] + tail, st.integers(0, 400), st.binary()))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_a_model_or_a_refusal(data):
    try:
        found = unpack(data)
    except ModelRefused:
        return
    assert pack(found.arrays, found.header) == data


class Payload:
    """What a hostile pickle looks like: reading it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def table_of(data):
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def crafted(change, body=None, text=None):
    """GOOD with its table changed, its body exchanged, or its table's text."""
    table, old = table_of(GOOD)
    change(table)
    raw = text(table) if text else json.dumps(table, sort_keys=True, separators=(",", ":"))
    raw = raw.encode() if isinstance(raw, str) else raw
    return struct.pack("<Q", len(raw)) + raw + (old if body is None else body)


def npz(compress, **content):
    out = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(out, **content)
    return out.getvalue()


def npy_of_objects():
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return out.getvalue()


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.npy", bytes(100_000_000))
    return out.getvalue()


def set_header(text):
    return crafted(lambda table: table["__metadata__"].update(header=text))


def entry(**changes):
    return crafted(lambda table: table["weights"].update(changes))


def renamed(name):
    return crafted(lambda table: table.update({name: table.pop("weights")}))


HOSTILE = {
    "npz": (npz(False, a=np.ones(3)), "zip archive"),
    "zip bomb": (zip_bomb(), "zip archive"),
    "gzip bomb": (gzip.compress(bytes(10_000_000)), "gzip"),
    "zlib": (zlib.compress(bytes(1000)), "zlib"),
    "npy of objects": (npy_of_objects(), "npy"),
    "empty": (b"", "no model file"),
    "seven bytes": (b"\0" * 7, "no model file"),
    "table longer than the file": (struct.pack("<Q", 10**15) + b"{}", "no model file"),
    "table longer than allowed": (
        struct.pack("<Q", model_file.MOST_TABLE + 1) + b"{" + b" " * (2 * model_file.MOST_TABLE),
        "no model file",
    ),
    "trailing rubbish": (GOOD + b"\0", "follow the last array"),
    "cut short": (GOOD[:-1], "cut or lies"),
    "object array": (entry(dtype="O"), "'O', which is refused"),
    "unknown type": (entry(dtype="F16"), "refused"),
    "type that is a list": (entry(dtype=["F64"]), "refused"),
    "declared bomb": (entry(shape=[2**26, 2**26]), "declares .* bytes"),
    "shape that overflows": (entry(shape=[2**63, 2]), "shape"),
    "negative shape": (entry(shape=[-2, -3]), "shape"),
    "shape of floats": (entry(shape=[2.0, 3.0]), "shape"),
    "too many dimensions": (entry(shape=[1] * 40), "shape"),
    "overlap": (entry(data_offsets=[0, 48]), "lies at"),
    "entry that is no object": (crafted(lambda table: table.update(weights=[1, 2])), "not described"),
    "path": (renamed("../../etc/passwd"), "cannot name an array"),
    "absolute path": (renamed("/tmp/x"), "cannot name an array"),
    "dots": (renamed("a..b"), "cannot name an array"),
    "backslash": (renamed("a\\b"), "cannot name an array"),
    "NUL": (renamed("a\0b"), "cannot name an array"),
    "NaN header": (set_header('{"loss":NaN}'), "NaN"),
    "infinite header": (set_header('{"loss":-Infinity}'), "Infinity"),
    "header number that becomes infinite": (set_header('{"loss":1e999}'), "1e999"),
    "header that is a list": (set_header("[1]"), "JSON object"),
    "header that is no JSON": (set_header("{'a': 1}"), "refused"),
    "header with a name twice": (set_header('{"a":1,"a":2}'), "twice"),
    "header nested without end": (set_header('{"a":' + "[" * 20_000 + "]" * 20_000 + "}"), "nested too deep"),
    "no header": (crafted(lambda table: table.pop("__metadata__")), "no header"),
    "more metadata": (crafted(lambda table: table["__metadata__"].update(more="x")), "no header"),
    "array twice": (
        crafted(lambda table: None, text=lambda t: json.dumps(t)[:-1] + ',"roots":{}}'),
        "twice",
    ),
    "spaces in the table": (crafted(lambda table: None, text=lambda t: json.dumps(t, sort_keys=True)), "not written"),
    "table not in UTF-8": (crafted(lambda table: None, text=lambda t: b'{"\xff":1}'), "refused"),
    "thousands of arrays": (
        crafted(lambda table: table.update({f"a{i}": 0 for i in range(1000)})),
        "declares 1,002 arrays",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_the_reason(name):
    data, why = HOSTILE[name]

    with pytest.raises(ModelRefused, match=why):
        unpack(data)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_run(tmp_path, protocol):
    target = tmp_path / "ran"
    data = pickle.dumps(Payload(target), protocol)

    with pytest.raises(ModelRefused, match=r"pickle|no model file"):
        unpack(data)
    assert not target.exists()


def test_a_file_of_objects_cannot_be_made():
    with pytest.raises(ModelRefused, match="'tree' holds object"):
        pack({"tree": np.array([{}], dtype=object)}, {})


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([1j]), np.array(["2024"], dtype="M8[D]"), np.zeros(2, "i4,f8")]
)
def test_only_numbers_travel(array):
    with pytest.raises(ModelRefused, match="numbers and booleans"):
        pack({"a": array}, {})


@pytest.mark.parametrize(
    ("header", "why"),
    [({"a": float("nan")}, "finite"), ({"a": (1, 2)}, "lists"), ({1: 2}, "lists"), ({"a": {1, 2}}, "plain")],
)
def test_a_header_that_json_cannot_hold_is_refused_when_saving(header, why):
    with pytest.raises(ModelRefused, match=why):
        pack({}, header)


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(model_file, "MOST_BYTES", 100)

    with pytest.raises(ModelRefused, match="100 are allowed"):
        unpack(GOOD)
    with pytest.raises(ModelRefused, match="100 are allowed"):
        pack(ARRAYS, HEADER)


def test_booleans_are_nought_or_one():
    data = bytearray(pack({"flags": np.array([True, False])}, {}))
    data[-1] = 7

    with pytest.raises(ModelRefused, match="neither 0 nor 1"):
        unpack(bytes(data))
