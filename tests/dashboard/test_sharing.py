"""Pages that ask the same at the same time get one answer."""

from tests.dashboard.stories import StoppedClock, request, tell
from voxtrace.dashboard.reading import Reader
from voxtrace.dashboard.sharing import KEPT_NS, MAX_KEPT, Shared
from voxtrace.store import RequestQuery


class Counting:
    """A query that answers how often it ran."""

    def __init__(self):
        self.runs = 0

    def __call__(self):
        self.runs += 1
        return self.runs


def test_an_answer_is_shared_for_half_a_second():
    clock, query = StoppedClock(), Counting()
    shared = Shared(clock)
    first = shared.answer("q", query)
    clock.wall += KEPT_NS - 1
    second = shared.answer("q", query)
    clock.wall += 1

    assert (first, second, shared.answer("q", query)) == (1, 1, 2)


def test_another_question_is_asked_for_itself():
    query = Counting()
    shared = Shared(StoppedClock())

    assert [shared.answer(question, query) for question in "abab"] == [1, 2, 1, 2]


def test_made_up_questions_gain_no_memory():
    query = Counting()
    shared = Shared(StoppedClock())
    for number in range(MAX_KEPT + 1):
        shared.answer(number, query)

    assert shared.answer(MAX_KEPT, query) == MAX_KEPT + 1
    assert shared.answer(0, query) == MAX_KEPT + 2


def test_a_turn_is_read_again_when_its_request_got_more_events(store):
    reader = Reader(store)
    [request_id] = tell(store, request(sides="server", request_id="r"))
    [row] = store.requests([request_id])
    before = reader.turn_of(row)
    tell(store, request(sides="client", request_id="r"))
    [row] = store.requests([request_id])

    assert reader.turn_of(row).labels.origin == "client" != before.labels.origin


def test_a_stale_derivation_is_never_remembered(store):
    reader = Reader(store)
    tell(store, request(sides="server", request_id="r"))
    store.append(request(sides="client", request_id="r"))
    [stale] = store.requests(["r"])
    reader.turn_of(stale)
    tell(store)
    [fresh] = store.requests(["r"])

    assert reader.turn_of(fresh).labels.origin == "client"


def test_only_so_many_turns_are_remembered(store):
    reader = Reader(store, remembered=2)
    tell(store, *[request() for _ in range(5)])
    rows = store.recent(RequestQuery(limit=5))
    first = [reader.turn_of(row) for row in rows]

    assert reader.turn_of(rows[-1]) is first[-1]
    assert reader.turn_of(rows[0]) is not first[0]
