"""Machines of a network of their own, which may vanish: nothing that is sent to them arrives.

Each is a network namespace of Linux, held by a process that ends with the tests, however they end.
The kernel then removes the namespace and its half of each cable, and so the other half too.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from tests.servers.watched_server import ServerError

if TYPE_CHECKING:
    import pwd
    from collections.abc import Iterator, Mapping, Sequence

NETWORKS = 512
"""Networks that one machine may have at once: those of 198.18.0.0/15, which RFC 2544 reserves."""


class NoNetworks(Exception):
    """This user or this kernel makes no networks. The message says why."""


def find_ip() -> str:
    """The path of the program `ip`; raises ServerError where there is none."""
    if path := shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        return path
    raise ServerError("ip (iproute2) was not found; tests/install-servers.sh installs it")


class Namespace:
    """A network namespace, as long as its process lives."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo made; read -r word"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"made\n":
            _, said = self._holder.communicate()
            raise NoNetworks(said.decode().strip())

    @property
    def pid(self) -> int:
        """Its process, by which the others name it."""
        return self._holder.pid

    def command(
        self, arguments: Sequence[str], owner: pwd.struct_passwd | None = None
    ) -> list[str]:
        """The command that runs these arguments inside, as this user."""
        user = ["--setuid", str(owner.pw_uid), "--setgid", str(owner.pw_gid)] if owner else []
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *user, "--", *arguments]

    @property
    def patch(self) -> str:
        """Python statements that bring a process of one thread inside."""
        opened = f"os.open('/proc/{self.pid}/ns/net', os.O_RDONLY | os.O_CLOEXEC)"
        return f"import ctypes, os; assert ctypes.CDLL(None).setns({opened}, 0) == 0"

    def ip(self, *commands: str) -> None:
        """Run commands of `ip` inside."""
        _run(self.command([find_ip(), "-batch", "-"]), commands)

    def close(self) -> None:
        """Removes it, once the programs inside have ended."""
        self._holder.communicate()


class Network:
    """A switch with machines, and a cable to this one."""

    def __init__(self) -> None:
        """Raises ServerError without `ip`, NoNetworks where the kernel forbids it."""
        if os.geteuid() != 0:
            raise NoNetworks("only root may make networks")
        find_ip()
        self._machines: list[Machine] = []
        self._switch = Namespace()
        try:
            self._number = self._plug_in()
            self._switch.ip(
                "link add switch type bridge",
                "link set switch up",
                "link set uplink master switch up",
            )
        except BaseException:
            self.close()
            raise

    def _plug_in(self) -> int:
        """Connects the switch with this machine, by a cable whose name no other network has."""
        for number in random.sample(range(NETWORKS), NETWORKS):
            cable = f"sidepro{number}"
            with contextlib.suppress(FileExistsError):
                _ip(f"link add {cable} type veth peer name uplink netns {self._switch.pid}")
                _ip(f"address add {_address(number, 1)}/24 dev {cable}", f"link set {cable} up")
                return number
        raise NoNetworks("all networks are taken")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """The address of this machine."""
        return _address(self._number, 1)

    def machine(self) -> Machine:
        """A new machine on the switch."""
        name = f"port{len(self._machines)}"
        machine = Machine(self._switch, name, _address(self._number, len(self._machines) + 2))
        self._machines.append(machine)
        return machine

    def close(self) -> None:
        """Removes the machines and the switch. Servers on them must have ended."""
        for machine in self._machines:
            machine.close()
        self._switch.close()


class Machine(Namespace):
    """A machine with an address."""

    def __init__(self, switch: Namespace, port: str, address: str) -> None:
        super().__init__()
        self._switch, self._port, self.address = switch, port, address
        switch.ip(
            f"link add {port} type veth peer name eth0 netns {self.pid}",
            f"link set {port} master switch up",
        )
        self.ip(f"address add {address}/24 dev eth0", "link set eth0 up", "link set lo up")

    def set_kernel(self, settings: Mapping[str, object]) -> None:
        """Sets parameters of its kernel, as `sysctl` does."""
        for name, value in settings.items():
            path = f"/proc/sys/{name.replace('.', '/')}"
            write = self.command(["sh", "-c", f"echo {value} >{path}"])
            subprocess.run(write, check=True)

    @contextlib.contextmanager
    def vanished(self) -> Iterator[None]:
        """Its cable is unplugged at the switch. The others notice only that nothing comes back."""
        self._switch.ip(f"link set {self._port} down")
        try:
            yield
        finally:
            self._switch.ip(f"link set {self._port} up")


def _address(network: int, machine: int) -> str:
    return f"198.{18 + network // 256}.{network % 256}.{machine}"


def _ip(*commands: str) -> None:
    _run([find_ip(), "-batch", "-"], commands)


def _run(batch: list[str], commands: Sequence[str]) -> None:
    done = subprocess.run(
        batch, input="\n".join(commands) + "\n", capture_output=True, text=True, check=False
    )
    if done.returncode:
        if "File exists" in done.stderr:
            raise FileExistsError(done.stderr)
        raise NoNetworks(done.stderr.strip())
