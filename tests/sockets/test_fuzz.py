"""The socket survives generated frames; `./just fuzz-sockets` sends many more."""

from tests.servers import SideProServer
from tests.sockets.fuzzer import Fuzzer


def test_generated_frames_cause_no_error() -> None:
    with SideProServer() as server:
        fuzzer = Fuzzer(server)
        fuzzer.run(sockets=200, number=14)

    assert fuzzer.sent > 300
    assert {None, 1002, 1007} <= set(fuzzer.codes)
