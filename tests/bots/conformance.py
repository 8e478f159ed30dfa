"""What every bot must do, whatever it is made of. A test module gives the fixture `bot` and inherits the class."""

import asyncio
import uuid
from datetime import UTC, timedelta

import pytest

from workbench.domain.errors import BotError, BotFenced
from workbench.domain.portfolio import BotState, Money
from workbench.domain.ports import CAPABILITIES, Bot

UTC_OFFSET = timedelta(0)


def new_id() -> str:
    return uuid.uuid4().hex


class BotConformance:
    """One suite, many implementations. `symbol` and `timeframe`: a market the bot knows."""

    symbol, timeframe = "BTC/USD", "30m"

    async def test_it_is_a_bot(self, bot):
        assert isinstance(bot, Bot)

    async def test_capabilities_name_the_bot_and_what_it_does(self, bot):
        said = await bot.capabilities()

        assert said["bot_id"] == bot.bot_id
        assert set(said["capabilities"]) <= set(CAPABILITIES)
        assert self.symbol in said["symbols"]
        assert said["timeframe"] == self.timeframe
        assert isinstance(said["gated"], bool)

    async def test_status_carries_money_with_currency_and_times_in_utc(self, bot):
        status = await bot.status()

        assert status.bot_id == bot.bot_id
        assert status.as_of.utcoffset() == UTC_OFFSET
        assert isinstance(status.equity, Money)
        assert status.market_time is None or status.market_time.tzinfo is UTC
        assert all(position.amount and position.mark_price > 0 for position in status.positions)

    async def test_a_forecast_is_a_rising_fan_around_its_reference(self, bot):
        fan = await bot.forecast(self.symbol, self.timeframe, 8)

        assert (fan.bot_id, fan.symbol, str(fan.timeframe), fan.horizon) == (bot.bot_id, self.symbol, "30m", 8)
        assert fan.values[0] < fan.reference < fan.values[-1]
        assert fan.matures_at == fan.seen_at + timedelta(hours=4)

    async def test_a_plan_has_its_stop_below_the_entry_and_says_why(self, bot):
        plan = await bot.plan(self.symbol, self.timeframe)

        assert plan.side in ("long", "flat")
        assert plan.reason
        assert plan.side == "flat" or plan.entry is None or plan.stop < plan.entry < plan.targets[0]

    async def test_an_analysis_has_words_and_figures(self, bot):
        analysis = await bot.analyze(self.symbol, self.timeframe)

        assert analysis.summary
        assert analysis.indicators

    async def test_features_are_named_numbers_of_a_close(self, bot):
        told = await bot.features(self.symbol, self.timeframe)

        assert (told.bot_id, told.symbol, str(told.timeframe)) == (bot.bot_id, self.symbol, self.timeframe)
        assert told.values
        assert told.seen_at.utcoffset() == UTC_OFFSET

    @pytest.mark.parametrize("question", ["forecast", "plan", "analyze", "features", "tune"])
    async def test_an_unknown_market_is_refused_by_name(self, bot, question):
        with pytest.raises(BotError, match="QQQ"):
            await getattr(bot, question)("QQQ/USD", self.timeframe)

    async def test_trades_and_equity_are_in_time_order(self, bot):
        trades, points = await bot.trades(), await bot.equity()

        assert [t.closed_at for t in trades] == sorted(t.closed_at for t in trades)
        assert [p.at for p in points] == sorted({p.at for p in points})
        if points:
            assert (await bot.equity(points[-1].at))[-1] == points[-1]
            assert await bot.equity(points[-1].at + timedelta(days=1)) == ()

    async def test_trades_stop_at_the_limit(self, bot):
        assert len(await bot.trades(0)) == 0

    async def test_tuning_tells_its_progress_and_an_outcome(self, bot):
        told = []

        result = await bot.tune(self.symbol, self.timeframe, lambda fraction, words: told.append(fraction))

        assert (result.bot_id, result.symbol) == (bot.bot_id, self.symbol)
        assert result.tried >= 1
        assert told == sorted(told)
        assert all(0 <= fraction <= 1 for fraction in told)

    async def test_a_tuning_can_be_cancelled(self, bot):
        task = asyncio.create_task(bot.tune(self.symbol, self.timeframe))
        await asyncio.sleep(0.15)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await bot.status()).bot_id == bot.bot_id

    async def test_pause_and_resume_are_seen_in_the_status(self, bot):
        await bot.pause(command_id=new_id(), token=1)
        paused = (await bot.status()).state
        await bot.resume(command_id=new_id(), token=1)

        assert (paused, (await bot.status()).state) == (BotState.PAUSED, BotState.RUNNING)

    async def test_a_command_sent_twice_acts_once(self, bot):
        first = new_id()
        await bot.pause(command_id=first, token=2)
        await bot.resume(command_id=new_id(), token=2)

        await bot.pause(command_id=first, token=2)

        assert (await bot.status()).state is BotState.RUNNING

    async def test_an_older_token_is_refused_and_changes_nothing(self, bot):
        await bot.resume(command_id=new_id(), token=9)

        with pytest.raises(BotFenced, match="token 8"):
            await bot.halt(command_id=new_id(), token=8)

        assert (await bot.status()).state is BotState.RUNNING
        await bot.pause(command_id=new_id(), token=10)
        assert (await bot.status()).state is BotState.PAUSED

    async def test_a_halt_leaves_nothing_open_and_lasts_until_resume(self, bot):
        await bot.halt(command_id=new_id(), token=3)
        halted = await bot.status()
        await bot.pause(command_id=new_id(), token=3)
        still = await bot.status()
        await bot.resume(command_id=new_id(), token=3)

        assert (halted.state, halted.positions) == (BotState.HALTED, ())
        assert still.state is BotState.HALTED
        assert (await bot.status()).state is BotState.RUNNING
