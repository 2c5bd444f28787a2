"""What is in deploy/ is what Compose and Kubernetes read, and says to our commands what they know; nothing is run."""

from __future__ import annotations

import json
import shlex
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer
import yaml
from typer.core import TyperGroup

from scrapdb.cli.app import app
from scrapdb.reporting.service import host
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.web.serving import is_local

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
POD: dict[str, Any] = next(each for each in MANIFESTS if each["kind"] == "Deployment")["spec"]["template"]["spec"]
OURS: list[list[str]] = [each["command"] for each in SERVICES.values() if "entrypoint" not in each]
OURS += [each["args"] for each in POD["containers"]]


def test_compose_file_has_the_shape_that_its_schema_wants() -> None:
    vendored = files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    validator = jsonschema.Draft202012Validator(json.loads(vendored.read_text(encoding="utf-8")))
    read = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert [error.message for error in validator.iter_errors(read)] == []


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
@pytest.mark.parametrize("version", ["1.30", "1.33"])
def test_manifests_have_the_shape_that_kubernetes_wants(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_nothing_has_more_rights_than_it_needs() -> None:
    for service in SERVICES.values():
        assert service["read_only"]
        assert service["user"] == "10001:10001"
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert not service.keys() & {"privileged", "cap_add", "pid", "ipc", "network_mode"}
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
    unconfined = {name for name, each in SERVICES.items() if "seccomp=unconfined" in each["security_opt"]}
    assert unconfined == {"work", "notebooks", "work-on-cluster"}  # what renders pages, or has notebooks executed
    assert POD["securityContext"]["runAsNonRoot"]
    assert not POD["automountServiceAccountToken"]
    for container in POD["containers"]:
        said = container["securityContext"]
        assert (said["allowPrivilegeEscalation"], said["readOnlyRootFilesystem"]) == (False, True)
        assert said["capabilities"] == {"drop": ["ALL"]}


@pytest.fixture(params=["compose", "kubernetes"])
def said(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """What is said of the service, as our own reader reads it."""
    path = DEPLOY / "service.yaml"
    if request.param == "kubernetes":
        path = tmp_path / "service.yaml"
        path.write_text(MANIFESTS[0]["data"]["service.yaml"])
    return host.read(path)


def test_no_report_is_made_without_a_wall_and_nobody_comes_in_without_a_token(said: Host) -> None:
    assert said.settings["wall"] in {"bubblewrap", "landlock"}
    assert said.askers
    assert not any(asker.tokens for asker in said.askers.values())  # whoever installs it makes them


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_our_commands_know_their_words(words: list[str]) -> None:
    group, named, *rest = words
    report = app.get_command(typer.Context(app), group)
    assert isinstance(report, TyperGroup)
    command = report.get_command(typer.Context(report), named)
    assert command
    given = command.make_context(named, list(rest)).params
    assert given["output"] == "/data/reports"  # on the volume
    if named == "serve":
        assert not is_local(given["host"])
        assert given["port"] == 8765  # which is told to all others


@pytest.mark.parametrize("kind", ["scheduler", "notebooks"])
def test_dask_knows_its_words(kind: str) -> None:
    from distributed.cli import dask_scheduler
    from distributed.cli import dask_worker

    main = {"scheduler": dask_scheduler.main, "notebooks": dask_worker.main}[kind]
    given = main.make_context(kind, list(SERVICES[kind]["command"])).params
    if kind == "notebooks":
        scheduler = next(word for word in SERVICES["work-on-cluster"]["command"] if word.startswith("tcp://"))
        assert (given["scheduler"], given["nanny"]) == (scheduler, False)


def test_both_know_the_health_of_the_service() -> None:
    assert "http://127.0.0.1:8765/health" in SERVICES["serve"]["healthcheck"]["test"][-1]
    compile(SERVICES["serve"]["healthcheck"]["test"][-1], "healthcheck", "exec")
    (serve,) = [each for each in POD["containers"] if each["name"] == "serve"]
    assert serve["ports"] == [{"name": "http", "containerPort": 8765}]
    probes = [serve[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert probes == [{"path": "/health", "port": "http"}] * 3


def test_image_has_what_is_copied_and_extras_that_there_are() -> None:
    instructions = [line.split(maxsplit=1) for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line]
    for words in (shlex.split(rest) for name, rest in instructions if name == "COPY"):
        assert all((ROOT / source).exists() for source in words[:-1])
    (installed,) = [rest for name, rest in instructions if name == "RUN" and "/src[" in rest]
    extras = installed.partition("/src[")[2].partition("]")[0].split(",")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {*extras} == {"service", "pdf", "landlock", "distributed"}
    assert known.keys() >= {*extras}
