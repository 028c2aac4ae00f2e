import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.batching import Lane, Overloaded, RowQueue
from app.schemas import Row
from support import sample

ROW = Row.model_validate(sample.EXAMPLE)


def test_rows_that_wait_together_are_scored_in_one_call_and_answered_in_order() -> None:
    calls: list[int] = []
    known = [ROW.model_copy(update={sample.NUMBER: float(i)}) for i in range(10)]

    def score(rows: list[Row]) -> list[bytes]:
        calls.append(len(rows))
        return [b"%d" % known.index(row) for row in rows]

    async def play() -> list[bytes]:
        queue = RowQueue(score, 10)
        return await asyncio.gather(*(queue.answer(row) for row in known))

    assert asyncio.run(play()) == [b"%d" % i for i in range(10)]
    assert calls == [10]


def test_a_lone_row_does_not_wait_for_another() -> None:
    queue = RowQueue(lambda rows: [b"x"] * len(rows), 1)
    assert asyncio.run(asyncio.wait_for(queue.answer(ROW), 1)) == b"x"


def test_a_row_above_the_limit_is_refused_and_the_next_turn_starts_anew() -> None:
    async def play() -> list[object]:
        queue = RowQueue(lambda rows: [b"x"] * len(rows), 2)
        first = await asyncio.gather(*(queue.answer(ROW) for _ in range(3)), return_exceptions=True)
        return [*first, await queue.answer(ROW)]

    answers = asyncio.run(play())
    assert [type(answer) for answer in answers] == [bytes, bytes, Overloaded, bytes]


def test_a_failing_model_fails_everyone_in_the_batch_and_no_one_after() -> None:
    def score(rows: list[Row]) -> list[bytes]:
        if len(rows) > 1:
            raise ValueError("no")
        return [b"x"]

    async def play() -> list[object]:
        queue = RowQueue(score, 2)
        first = await asyncio.gather(*(queue.answer(ROW) for _ in range(2)), return_exceptions=True)
        return [*first, await queue.answer(ROW)]

    assert [type(answer) for answer in asyncio.run(play())] == [ValueError, ValueError, bytes]


def test_a_request_that_is_cancelled_takes_no_answer_from_the_others() -> None:
    async def play() -> list[object]:
        queue = RowQueue(lambda rows: [b"%d" % i for i in range(len(rows))], 3)
        tasks = [asyncio.create_task(queue.answer(ROW)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    gone, *others = asyncio.run(play())
    assert isinstance(gone, asyncio.CancelledError)
    assert others == [b"1", b"2"]


def test_lanes_run_one_job_at_a_time_and_each_refuses_above_its_own_limit() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def job(body: bytes) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.01)
        with lock:
            at_once -= 1
        return body

    async def play() -> list[object]:
        thread = ThreadPoolExecutor(1)
        lane, another = Lane(thread, 2), Lane(thread, 1)
        jobs = [*(lane.run(job, b"x") for _ in range(3)), another.run(job, b"z")]
        return [
            *await asyncio.gather(*jobs, return_exceptions=True),
            await lane.run(job, b"y"),
        ]

    answers = asyncio.run(play())
    assert [type(answer) for answer in answers] == [bytes, bytes, Overloaded, bytes, bytes]
    assert most == 1


def test_a_failing_job_frees_its_place() -> None:
    def job(_body: bytes) -> bytes:
        raise ValueError("no")

    async def play() -> None:
        lane = Lane(ThreadPoolExecutor(1), 1)
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await lane.run(job, b"")

    asyncio.run(play())


def test_while_others_are_turned_away_half_as_many_are_let_in() -> None:
    async def play() -> list[int]:
        queue = RowQueue(lambda rows: [b"x"] * len(rows), 4)

        async def let_in(requests: int) -> int:
            tasks = [asyncio.create_task(queue.answer(ROW)) for _ in range(requests)]
            for _ in range(3):  # turns of the loop: a refusal takes longer
                await asyncio.sleep(0)
            left.extend(task for task in tasks if not task.done())
            return sum(task.done() for task in tasks)

        left: list[asyncio.Task[bytes]] = []
        counts = [await let_in(6), await let_in(6)]
        await asyncio.gather(*left, return_exceptions=True)
        return [*counts, await let_in(4)]

    assert asyncio.run(play()) == [4, 2, 4]
