"""compose.yaml, the workflows and what belongs to them."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidepro import settings as configuration

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SERVING = {"web-1", "web-2"}
OURS = {*SERVING, "worker", "scheduler", "migrate"}
ONCE = {"migrate", "bucket"}
"""Services that end."""


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return document


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("compose-spec", [ROOT / "compose.yaml"]),
        ("github-workflows", WORKFLOWS),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_files_have_the_form_of_their_programs(schema: str, files: list[Path]) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [program, "--builtin-schema", f"vendor.{schema}", *files]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_service_is_limited_and_those_that_stay_are_checked() -> None:
    services = compose()["services"]
    assert services.keys() >= OURS | {"postgresql", "redis", "s3", "nginx"}
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        if name not in ONCE:
            assert "healthcheck" in service, name
            assert "memory" in service["deploy"]["resources"]["limits"], name


def test_the_settings_of_compose_are_known() -> None:
    services = compose()["services"]
    text = (ROOT / "deploy" / "compose" / "sidepro.env").read_text("utf-8")
    names = [line.partition("=")[0] for line in text.splitlines() if not line.startswith("#")]
    for name in OURS:
        assert (
            configuration.unknown(dict.fromkeys([*names, *services[name]["environment"]], ""))
            == []
        )


def test_the_worker_reaches_mail_servers() -> None:
    document = compose()
    networks = document["services"]["worker"]["networks"]
    assert any(not (document["networks"][name] or {}).get("internal") for name in networks)


def test_secrets_of_compose_are_files_that_a_script_makes(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((ROOT / "deploy" / "compose" / "secrets.sh").read_text("utf-8"), "utf-8")
    made: dict[str, bytes] = {}
    for _ in range(2):  # the second time it keeps them
        subprocess.run(["/bin/sh", script], check=True)
        made = {path.name: path.read_bytes() for path in (tmp_path / "secrets").glob("*_*")}
    for secret in compose()["secrets"].values():
        assert Path(secret["file"]).name in made
    url = made["database_url"].decode().strip()
    password = made["database_password"].decode().strip()
    assert url == f"postgresql://sidepro:{password}@postgresql:5432/sidepro"


def test_nginx_of_compose_passes_to_the_serving_processes() -> None:
    services = compose()["services"]
    addresses = {services[name]["networks"]["front"]["ipv4_address"] for name in SERVING}
    upstream = (ROOT / "deploy" / "compose" / "sidepro-upstream.conf").read_text("utf-8")
    assert set(re.findall(r"server ([\d.]+):8000 max_fails=0;", upstream)) == addresses
    plain = (ROOT / "deploy" / "nginx" / "sidepro-upstream.conf").read_text("utf-8")
    keep_alive = r"keepalive_timeout (\d+)s;"
    assert re.findall(keep_alive, upstream) == re.findall(keep_alive, plain)
    assert int(re.findall(keep_alive, plain)[0]) < configuration.Settings().keep_alive


def test_the_image_store_listens_on_all_of_its_networks() -> None:
    """By itself SeaweedFS takes the first address of the container, and names itself by it."""
    store = compose()["services"]["s3"]
    assert len(store["networks"]) > 1
    assert {"-ip=s3", "-ip.bind=0.0.0.0"} < set(store["command"])


def test_logs_of_nginx_are_no_files_in_memory() -> None:
    service = compose()["services"]["nginx"]
    configuration = (ROOT / "deploy" / "nginx" / "sidepro.conf").read_text("utf-8")
    for log in re.findall(r"access_log (/\S+)", configuration):
        assert str(Path(log).parent) in service["tmpfs"]
        assert f"ln -s /dev/stdout {log}" in service["command"][-1]


def test_uploads_in_nginx_are_no_files_in_memory() -> None:
    service = compose()["services"]["nginx"]
    targets = [volume.split(":")[1] for volume in service["volumes"]]
    assert "/var/cache/nginx" in targets
    assert "/var/cache/nginx" not in service["tmpfs"]


def test_a_web_container_has_room_for_a_large_picture_and_many_connections() -> None:
    for name in SERVING:
        service = compose()["services"][name]
        memory = service["deploy"]["resources"]["limits"]["memory"]
        assert int(memory.removesuffix("M")) >= 900 + 140, "docs/operations.md has both figures"
        assert service["ulimits"]["nofile"] > 10_000


def test_nginx_of_compose_and_of_a_plain_machine_has_room_for_sockets(tmp_path: Path) -> None:
    """Each takes two connections."""
    main = "user nobody;\nworker_processes auto;\nevents {\n    worker_connections 768;\n}\n"
    (tmp_path / "nginx.conf").write_text(main, "utf-8")
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [on_plain] = re.findall(r"^ +(sed -i -e '/\^worker_rlimit.*\n.*)", text, re.MULTILINE)
    in_compose = "".join(
        line
        for line in compose()["services"]["nginx"]["command"][-1].splitlines(keepends=True)
        if not line.startswith(("ln ", "exec "))
    )
    for script, result in (
        (in_compose.replace("/tmp/", f"{tmp_path}/new-"), "new-nginx.conf"),
        (f"{on_plain}\n{on_plain}", "nginx.conf"),  # the second time it changes nothing
    ):
        local = script.replace("/etc/nginx/", f"{tmp_path}/")
        subprocess.run(["/bin/sh", "-ec", local], check=True)
        made = (tmp_path / result).read_text("utf-8")
        assert "    worker_connections 8192;\n" in made
    assert (tmp_path / "nginx.conf").read_text("utf-8").count("worker_rlimit_nofile 32768;\n") == 1


def test_a_container_is_alive_whatever_proxy_its_environment_names() -> None:
    script = (ROOT / "deploy" / "image" / "install.sh").read_text("utf-8")
    [program] = re.findall(
        r"^cat >/opt/sidepro/bin/sidepro-alive <<'END'\n(.*?)^END",
        script,
        re.MULTILINE | re.DOTALL,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for answer, code in ((b"HTTP/1.0 200 OK\r\n\r\n", 0), (b"", 1)):
            checking = subprocess.Popen(
                [sys.executable, "-I", "-c", program, str(listener.getsockname()[1])],
                env={"http_proxy": "http://127.0.0.1:1"},
                stderr=subprocess.DEVNULL,
            )
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)
            assert checking.wait(10) == code


@pytest.mark.parametrize(
    ("working", "used"),
    [(("docker", "podman"), "docker"), (("podman", "buildah"), "podman"), ((), None)],
)
def test_images_are_built_where_compose_finds_them_or_else_anywhere(
    tmp_path: Path, working: tuple[str, ...], used: str | None
) -> None:
    log = tmp_path / "log"
    for name in ("docker", "podman", "buildah"):  # all are installed
        program = tmp_path / name
        does_work = "exit 0" if name in working else "exit 1"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = info ] && {does_work}\necho {name} "$@" >>{log}\n'
        )
        program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", ROOT / "deploy" / "image" / "build.sh"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    built = log.read_text("utf-8").splitlines() if log.exists() else []
    assert [line.split()[:2] for line in built] == ([[used, "build"]] * 2 if used else [])
    assert done.returncode == (0 if used else 1)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_permissions_are_stated(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
    assert "permissions" in yaml.safe_load(text)


def test_images_of_a_release_have_names_without_capital_letters() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert "ghcr.io/${{ github.repository }}" not in text
    [command] = re.findall(r'run: (echo "name=.*")', text)
    name = subprocess.run(
        ["bash", "-c", command],
        env={"GITHUB_REPOSITORY": "Some-One/SidePro", "GITHUB_OUTPUT": "/dev/stdout"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert name == "name=ghcr.io/some-one/sidepro\n"


def test_constraints_of_a_release_are_the_pinned_versions(tmp_path: Path) -> None:
    file = tmp_path / "constraints.txt"
    just = Path(sys.executable).with_name("just")
    subprocess.run([just, "constraints", file], cwd=ROOT, check=True)
    texts = (
        (ROOT / "requirements" / name).read_text("utf-8") for name in ("runtime.txt", "otel.txt")
    )
    pinned = {one for text in texts for one in re.findall(r"^\S+==\S+", text, re.MULTILINE)}
    lines = file.read_text("utf-8").splitlines()
    assert [line.split()[0] for line in lines] == sorted(
        re.sub(r"\[.*\]", "", one) for one in pinned
    )
