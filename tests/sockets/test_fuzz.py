"""The sockets survive generated frames; `./just fuzz-sockets` sends many more."""

from tests.servers import SideProServer
from tests.sockets.fuzzer import PERSON_PATH, Fuzzer


def test_generated_frames_cause_no_error() -> None:
    with SideProServer() as server:
        fuzzer = Fuzzer(server)
        fuzzer.run(sockets=200, number=14)
        stream = Fuzzer(server, PERSON_PATH)
        stream.run(sockets=100, number=14)

    assert fuzzer.sent > 300
    assert {None, 1002, 1007} <= set(fuzzer.codes)
    assert {None, 4400} <= set(stream.codes)
