"""Learning together: only what was better on later data takes over, everybody hears of it, and there is a way back."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from workbench.domain.errors import LedgerError, ModelRefused, ValueRefused
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.joint_training import JointTraining, model_name
from workbench.quant.joint_model import Besides, JointModel, challenge, pack_joint, unpack_joint
from workbench.quant.model_file import pack, unpack
from workbench.quant.panels import features, panel_of
from workbench.quant.promotion import Judgement
from workbench.quant.scores import Scores

NAME = model_name("30m", 48)
GOOD = {s: sample.load(s)["2018-04-27":"2018-07-20"] for s in sample.SYMBOLS}  # what was learned beats averages
WORSE = {s: sample.load(s).iloc[-2500:] for s in sample.SYMBOLS}  # a storm that no training had seen


@pytest.fixture(scope="module")
def found():
    return challenge(panel_of(GOOD, 1800), 48)


def test_what_is_learned_from_and_what_was_learned_can_travel_to_a_cluster_and_back(found):
    panel = panel_of(GOOD, 1800)

    there = pickle.loads(pickle.dumps((panel, 48, found.challenger, Besides())))
    back = pickle.loads(pickle.dumps(found))

    assert pack_joint(there[2], {}) == pack_joint(back.challenger, {}) == pack_joint(found.challenger, {})
    assert there[0].symbols == panel.symbols
    assert back.judgement == found.judgement


@pytest.fixture
def training(ledger):
    return JointTraining(ledger)


def a_version(training, loss, better=True, against=0, name=NAME):
    """A trained version with a judgement, without the training."""
    facts = {"better": better, "reason": "better by 9 %" if better else "worse", "against_version": against}
    return training.store.put(name, pack({"loss": np.array([loss])}, {"kind": "volatility"}), facts, "desk")


async def test_a_better_model_takes_over_is_announced_and_can_be_read_elsewhere(training, ledger, tmp_path):
    sync = DataSync(ledger)
    heard = sync.subscribe("models", after=0)
    report = await training.train(GOOD, "30m")

    assert report.name == NAME
    assert report.promotion.version == report.model.version == 1
    assert "better by" in report.reason
    told = [await anext(heard), await anext(heard)]
    assert [thing.kind for thing in told] == ["ModelTrained", "ModelPromoted"]
    assert told[1].data["sha256"] == report.model.sha256
    await sync.stop()

    other = open_ledger(tmp_path / "ledger.sqlite")
    joint, header = unpack_joint(JointTraining(other).store.get(told[1].data["sha256"]), told[1].data["sha256"])
    assert header["symbols"] == list(sample.SYMBOLS)
    assert joint.model.trained_until_s < GOOD["BTC/USD"].index[-1].timestamp()
    other.close()

    again = await training.train(GOOD, "30m")  # the same data teach nothing new
    assert again.promotion is None
    assert len(await training.rows()) == 1


async def test_a_model_that_was_not_better_stays_out(training):
    report = await training.train(WORSE, "30m")

    assert report.promotion is None
    assert training.store.champion(NAME) is None
    assert "an exponential average stood in for a champion" in report.reason
    with pytest.raises(LedgerError, match="was not better"):
        await training.promote(NAME, 1, "ann")


def test_what_is_judged_was_not_learned_from(found):
    panel = panel_of(GOOD, 1800)
    split = int(len(panel.close) * 0.7)

    assert found.challenger.model.trained_until_s == panel.opened_s[split - 1] + 1800
    assert found.judgement.rows <= len(panel.close) - split
    rough = {s: t.assign(**{c: t[c].where(np.arange(len(t)) < split + 40, 1.0) for c in t}) for s, t in GOOD.items()}
    later = challenge(panel_of(rough, 1800), 48)  # other data after the training: the same model
    assert pack_joint(later.challenger, {}) == pack_joint(found.challenger, {})


def test_a_champion_is_judged_only_on_what_came_after_its_own_training(found):
    panel = panel_of(GOOD, 1800)
    model = replace(found.challenger.model, trained_until_s=int(panel.opened_s[-60]))
    late = replace(found.challenger, model=model)

    judged = challenge(panel, 48, late).judgement

    assert not judged.promoted
    assert "have matured" in judged.reason


def test_a_model_travels_whole(found):
    data = pack_joint(found.challenger, {"timeframe": "30m"})
    joint, header = unpack_joint(data)
    known = features(panel_of(GOOD, 1800))[-5:, 0]
    assert np.isfinite(known).all()

    assert header["timeframe"] == "30m"
    assert np.array_equal(joint.deviation(known, 48), found.challenger.deviation(known, 48))
    fan = joint.fan(8000.0, 0.03, (0.05, 0.5, 0.95))
    assert fan[0] < fan[1] < fan[2]
    assert joint.deviation(known, 24) == pytest.approx(joint.deviation(known, 48) / np.sqrt(2))
    with pytest.raises(ValueRefused, match="too far"):
        joint.deviation(known, 500)


def test_a_hostile_model_of_good_bytes_is_refused(found):
    good = unpack(pack_joint(found.challenger, {}))
    for change, why in (
        ({"shape": np.array([1.0, 0.0])}, "rise"),
        ({"levels": np.linspace(0, 2, 11)}, "levels"),
        ({"trees_left": np.zeros(3, np.int64)}, "trees"),
        ({"head": np.array([48, 1800, 0, -1, 7])}, "volatility model"),
    ):
        with pytest.raises(ModelRefused, match=why):
            unpack_joint(pack({**good.arrays, **change}, {"kind": "volatility", "scores": []}))
    with pytest.raises(ModelRefused, match="kind"):
        unpack_joint(pack({}, {"kind": "other"}))


async def test_going_back_is_one_command_and_forward_again_another(training):
    for version in (1, 2, 3):
        a_version(training, version, against=version - 1)
        await training.promote(NAME, version, "desk")

    back = await training.rollback(NAME, by="ann")
    assert (back.version, back.before, back.rollback, back.by) == (2, 3, True, "ann")
    assert (await training.rollback(NAME)).version == 1
    with pytest.raises(LedgerError, match="no earlier champion"):
        await training.rollback(NAME)
    assert (await training.promote(NAME, 2, "ann")).version == 2
    assert (await training.rollback(NAME, 1)).version == 1
    assert [(row.model.version, row.champion) for row in await training.rows()] == [(3, False), (2, False), (1, True)]


async def test_what_was_judged_against_another_champion_waits(training):
    for version in (1, 2):
        a_version(training, version, against=version - 1)
    with pytest.raises(ValueRefused, match="no version 7; there is 1, 2"):
        await training.promote(NAME, 7, "ann")
    await training.promote(NAME, 1, "ann")
    a_version(training, 3, against=2)

    with pytest.raises(LedgerError, match="judged against version 2, in use is 1"):
        await training.promote(NAME, 3, "ann")
    with pytest.raises(LedgerError, match="champion already"):
        await training.promote(NAME, 1, "ann")
    with pytest.raises(LedgerError, match="has no champion"):
        await training.rollback("volatility:1h:24")


def informed(panel, bars_ahead):
    """A score that knows something: how rough the next hours will be, published at the close it is about."""
    future = np.nan_to_num(np.abs(np.diff(np.log(panel.close), axis=0, append=np.nan)))
    rough = np.array([future[t : t + bars_ahead].mean(axis=0) for t in range(len(future))])
    closed = panel.opened_s + panel.bar_s
    return [
        Scores("oracle", symbol, closed.astype(float), np.log(rough[:, j] + 1e-6))
        for j, symbol in enumerate(panel.symbols)
    ]


async def test_scores_become_features_and_are_used_as_of_when_they_were_known(training):
    panel = panel_of(WORSE, 1800)
    scores = informed(panel, 48)

    without = challenge(panel, 48)
    report = await training.train(WORSE, "30m", scores={"oracle": scores})
    late = [Scores(s.name, s.symbol, s.known_s + 30 * 86400, s.value) for s in scores]
    delayed = await training.train(WORSE, "30m", scores={"oracle": late})

    assert report.model.facts["scores"] == ["oracle"]
    assert report.model.facts["loss"] < 0.7 * without.loss
    assert delayed.model.facts["loss"] > report.model.facts["loss"]
    assert unpack_joint(training.store.get(report.model.sha256))[0].scores == ("oracle",)


def test_the_judgement_is_the_one_of_quant(found):
    assert isinstance(found.judgement, Judgement)
    assert found.judgement.promoted
    assert found.loss < found.other_loss
    assert isinstance(found.challenger, JointModel)
