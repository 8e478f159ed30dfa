"""What was learned outlives the process: read from its file while it is what it was, and of these labels."""

import pytest

from tests.support.planted import BARS, candles
from workbench.domain.errors import ModelRefused
from workbench.ledger.log import open_ledger
from workbench.ledger.pattern_models import PatternModels
from workbench.visual.pattern_files import digest_of, unpack_classifier
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner

MARKET = ("BTC/USD", "1h")
ROWS = (60, 170, 280, 390)
TABLE = candles(1, 700, [(row, "cup") for row in ROWS])


@pytest.fixture
def home(tmp_path):
    """A ledger with a user's labels, and the folder of models."""
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    lab = CustomPatternLearner(ledger, "ann")
    for row in ROWS:
        times = TABLE.index[row].to_pydatetime(), TABLE.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow(*MARKET, TABLE, *times), "cup", note="clean")
    yield ledger, tmp_path / "models"
    ledger.close()


def process(home):
    """A learner as a process that has just started has one."""
    return CustomPatternLearner(home[0], "ann", {MARKET: TABLE}, trees=20, windows=200, models=home[1])


def trained(lab):
    """Whether asking for the classifier had to train it."""
    before = lab.shelf.ready("ann")
    lab.classifier("ann")
    return before is None


def test_a_restart_reads_what_was_learned_and_says_the_same(home):
    first = process(home)
    first.train_custom_patterns("ann")

    later = process(home)

    assert not trained(later)
    mine, saved = first.classifier("ann"), later.classifier("ann")
    assert saved is not mine
    assert saved.training == mine.training
    assert saved.recognize(TABLE, *MARKET) == mine.recognize(TABLE, *MARKET) != []
    assert later.shelf.ready("ann").version.startswith("1:")


def test_changed_labels_are_learned_anew_and_undone_ones_are_not(home):
    ledger = home[0]
    process(home).train_custom_patterns("ann")
    one = ledger.annotations.all("ann")[0]

    ledger.annotations.edit("ann", one.annotation_id, note="another note teaches nothing")
    assert not trained(process(home))
    ledger.annotations.delete("ann", one.annotation_id)
    assert trained(process(home))
    assert process(home).shelf.ready("ann").version.startswith("2:")
    ledger.annotations.undo("ann")
    assert process(home).shelf.ready("ann").version.startswith("1:")


def test_a_file_that_is_not_what_it_was_is_refused_and_trained_again(home):
    ledger, folder = home
    process(home).train_custom_patterns("ann")
    (path,) = folder.iterdir()
    whole, models = path.read_bytes(), PatternModels(ledger.pattern_log, folder)
    (saved,) = models.versions("ann")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(ModelRefused, match="has the hash"):
        models.read(saved)
    assert trained(process(home))
    assert path.read_bytes() == whole  # the same labels and history are learned to the same bytes

    path.unlink()
    with pytest.raises(ModelRefused, match="not on this machine"):
        models.read(saved)
    assert trained(process(home))
    assert [one.version for one in models.versions("ann")] == [1]


def test_a_file_of_other_labels_is_refused(home):
    process(home).train_custom_patterns("ann")
    (path,) = home[1].iterdir()
    labels = home[0].annotations.all("ann")

    assert unpack_classifier(path.read_bytes(), "", labels).training.labels == {"cup": 4}
    with pytest.raises(ModelRefused, match="file's labels is"):
        unpack_classifier(path.read_bytes(), "", labels[1:])
    with pytest.raises(ModelRefused, match="pickle"):
        unpack_classifier(b"\x80\x04N.", "", labels)
    assert digest_of(labels) != digest_of(labels[1:])


def test_old_files_go_and_stay_numbered(home, tmp_path):
    models = PatternModels(home[0].pattern_log, tmp_path / "many")
    for number in range(14):
        models.keep("bob", b"model %d" % number, f"labels {number}")

    assert [one.version for one in models.versions("bob")] == list(range(1, 15))
    assert len(list((tmp_path / "many").iterdir())) == 10
    assert models.read(models.of("bob", "labels 13")) == b"model 13"
    assert models.of("ann", "labels 13") is None
