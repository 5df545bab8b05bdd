"""The deployment files: what tools can check without a cluster, and what they must say so that nothing is lost."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from packaging.requirements import Requirement

from senseid.errors import SettingError
from senseid.version import __version__
from senseid_service.settings import VARIABLES, Limits, gather, parse

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"), key=lambda path: path.stem)
KNOWN = {variable.name for variable in VARIABLES} | {"SENSEID_HOME"}
# The image's user: a number that the manifests must repeat.
USER = 10001


def test_no_file_names_a_registry() -> None:
    for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
        text = path.read_text()
        assert not re.search(r"https?://(?!127\.0\.0\.1|localhost)\w", text.replace("{scheme}://", "")), path
        assert not re.search(r"\bimage: \S+\.\S+/", text), path


# The image.


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [(line.split()[0], line.partition(" ")[2]) for line in joined.splitlines() if line.strip()]


def of_last_stage(name: str) -> list[str]:
    found = instructions()
    last = max(index for index, (instruction, _) in enumerate(found) if instruction == "FROM")
    return [words for instruction, words in found[last:] if instruction == name]


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert of_last_stage("USER") == [f"{USER}:{USER}"]
    made = of_last_stage("RUN")[0]
    assert f"groupadd --gid {USER}" in made
    assert f"useradd --uid {USER} --gid {USER}" in made
    assert of_last_stage("STOPSIGNAL") == ["SIGTERM"]
    # Exec form: a shell in front of the service would not pass the signal on.
    assert json.loads(of_last_stage("ENTRYPOINT")[0]) == ["senseid"]
    assert json.loads(of_last_stage("CMD")[0]) == ["serve"]


def test_the_image_has_a_health_check_and_no_secret() -> None:
    (check,) = of_last_stage("HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2]) == ["python", "-I", "/opt/senseid/healthcheck.py"]
    (copied,) = [words for words in of_last_stage("COPY") if "healthcheck" in words]
    assert (ROOT / copied.split()[0]).is_file()
    assert not re.search(r"DECRYPT|API_KEY|PASSW", (DEPLOY / "Dockerfile").read_text())


def test_the_context_of_the_image_has_what_the_build_needs_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    wanted = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert all((ROOT / path).exists() for path in wanted)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert any(package == path or package.startswith(f"{path}/") for path in wanted), package


def test_the_base_of_the_image_is_pinned() -> None:
    pinned = [words for name, words in instructions() if name == "ARG" and words.startswith("PYTHON=")]
    assert re.fullmatch(r"PYTHON=python:3\.11-slim@sha256:[0-9a-f]{64}", "".join(pinned))
    bases = [words for name, words in instructions() if name == "FROM"]
    assert [words.split()[0] for words in bases] == ["${PYTHON}", "packages", "${PYTHON}"]


def locked(name: str) -> dict[str, str]:
    """The packages of a lock and their versions; each is followed by its hashes."""
    text = (DEPLOY / name).read_text()
    entries = re.findall(r"^(\S+)==(\S+) \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    found = {package: version for package, version, _ in entries}
    assert len(found) == len(re.findall(r"^\S", text, re.MULTILINE))
    return found


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_the_locks_are_those_of_the_project(name: str) -> None:
    """Every package that is asked for, and what those ask for, in a version that they take: else `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {
        "requirements.lock": [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["serve"],
        ],
        "build.lock": project["build-system"]["requires"],
    }[name]
    found = locked(name)
    for text in asked:
        wanted = Requirement(text)
        assert found[wanted.name] in wanted.specifier, text


def test_every_package_of_the_image_is_locked() -> None:
    pips = [
        part for name, words in instructions() if name == "RUN" for part in words.split("&&") if "pip install" in part
    ]
    assert len(pips) == 3
    assert [("--require-hashes" in part, "--no-deps" in part) for part in pips] == [
        (True, False), (True, False), (False, True)
    ]  # fmt: skip


# Compose.


def compose() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("role", ["api", "worker"])
def test_compose_confines_each_role(role: str) -> None:
    service = compose()["services"][role]
    assert service["command"] == ["serve", "--role", role]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert int(service["stop_grace_period"].removesuffix("s")) > Limits().stop_seconds


def test_compose_publishes_the_api_to_this_machine_only_and_the_worker_to_nobody() -> None:
    found = compose()
    assert found["services"]["api"]["ports"] == ["${SENSEID_PUBLISHED}:3000"]
    assert dotenv_values(DEPLOY / "compose/.env")["SENSEID_PUBLISHED"] == "127.0.0.1:3000"
    assert "ports" not in found["services"]["worker"]
    assert found["services"]["worker"]["networks"] == ["back"]
    assert found["networks"]["back"]["internal"] is True
    assert found["services"]["api"]["depends_on"]["worker"]["condition"] == "service_healthy"


@pytest.mark.parametrize("role", ["api", "worker"])
def test_the_settings_of_compose_hold(role: str, tmp_path: Path) -> None:
    service = compose()["services"][role]
    environment = {name: str(value) for name, value in service["environment"].items()}
    assert set(environment) <= KNOWN
    # Every secret is a file that is mounted: an environment is inherited, and shown by many tools.
    assert not {variable.name for variable in VARIABLES if variable.secret} & set(environment)
    files = {Path(text).name: name for name, text in environment.items() if name.endswith("_FILE")}
    assert {f"/run/secrets/{name}" for name in service["secrets"]} == {environment[name] for name in files.values()}
    assert set(files) == set(service["secrets"])
    environment["SENSEID_HOST"] = "0.0.0.0"  # as in the image
    environment.pop("HANDLERS", None)
    names = [name for name in files.values() if name.startswith("SENSEID_")]
    bare = {name: value for name, value in environment.items() if name not in names}
    with pytest.raises(SettingError, match="everybody who reaches"):
        parse(gather({}, bare, None), physical_cores=2, cpus=2)
    (tmp_path / "key").write_text("a key\n")
    settings = parse(
        gather({}, {**bare, **dict.fromkeys(names, str(tmp_path / "key"))}, None), physical_cores=2, cpus=2
    )
    assert settings.role == role
    assert settings.worker_key == "a key"
    assert environment.get("PARAM_DECRYPT_KEY_FILE") == ("/run/secrets/media-key" if role == "worker" else None)


# Kubernetes.


def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    folder = DEPLOY / "kubernetes"
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted([*names, "kustomization.yaml"]) == sorted(path.name for path in folder.iterdir())
    found = [item for name in names for item in yaml.safe_load_all((folder / name).read_text())]
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


PODS = [("Deployment", "senseid-api"), ("StatefulSet", "senseid-worker")]


@pytest.mark.parametrize("name", PODS)
def test_pods_are_confined(name: tuple[str, str]) -> None:
    pod = manifests()[name]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["cpu"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/tmp", "/var/lib/senseid"} <= mounted
    assert not any("subPath" in mount for mount in container["volumeMounts"])


@pytest.mark.parametrize("name", PODS)
def test_pods_are_probed_and_stop_in_peace(name: tuple[str, str]) -> None:
    pod = manifests()[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"] for port in container["ports"]}
    # A pod without a licence or without workers would be killed again and again, and be no better for it.
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        checked = container[probe]["httpGet"]
        assert checked["port"] in ports
        assert checked["path"] == path
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > Limits().stop_seconds + pause


def test_the_autoscaler_starts_no_worker_that_the_api_does_not_know() -> None:
    found = manifests()
    scaler = found["HorizontalPodAutoscaler", "senseid-worker"]["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "senseid-worker"}
    assert 1 < scaler["minReplicas"] < scaler["maxReplicas"]
    (container,) = found["Deployment", "senseid-api"]["spec"]["template"]["spec"]["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    settings = parse(
        gather({"SENSEID_ROLE": "api", "SENSEID_WORKER_KEY": "a key"}, environment, None), physical_cores=2, cpus=2
    )
    assert [(worker.host, worker.port) for worker in settings.workers] == [
        (f"senseid-worker-{number}.senseid-worker", 50050) for number in range(scaler["maxReplicas"])
    ]
    assert found["Service", "senseid-worker"]["spec"]["clusterIP"] == "None"
    assert "replicas" not in found["StatefulSet", "senseid-worker"]["spec"]


def test_selectors_find_their_pods() -> None:
    found = manifests()
    labels = {name: found[name]["spec"]["template"]["metadata"]["labels"] for name in PODS}
    for (kind, name), item in found.items():
        spec = item.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= pod.items() for pod in labels.values()), (kind, name)


def test_workers_answer_the_api_only_and_call_nobody() -> None:
    policy = manifests()["NetworkPolicy", "senseid-worker"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    first = policy["ingress"][0]
    assert first["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "api"}}}]


def test_licences_are_mounted_where_the_store_looks(tmp_path: Path) -> None:
    from senseid_licensing.product import Product
    from senseid_licensing.store import LicenceStore

    pod = manifests()["StatefulSet", "senseid-worker"]["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    placed = {f"{mounts['licences']}/{item['path']}" for item in volumes["licences"]["secret"]["items"]}
    store = LicenceStore(Path("/var/lib/senseid"))
    assert placed == {str(store.path(product)) for product in Product}
    (root,) = volumes["trust"]["configMap"]["items"]
    assert f"{mounts['trust']}/{root['path']}".startswith(f"{store.roots_dir}/")


def test_secrets_come_from_secrets() -> None:
    for name in PODS:
        (container,) = manifests()[name]["spec"]["template"]["spec"]["containers"]
        assert [source["secretRef"]["name"] for source in container["envFrom"]] == [name[1]]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        key_file = {item["name"]: item["value"] for item in container["env"]}.get("PARAM_DECRYPT_KEY_FILE")
        assert key_file == (f"{mounts['media-key']}/media.key" if name[1] == "senseid-worker" else None)
        secret = {variable.name for variable in VARIABLES if variable.secret}
        assert {item["name"] for item in container["env"]} <= KNOWN - secret


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_it() -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, check=True
    )
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(manifests())
    assert {item["metadata"].get("namespace", "senseid") for item in built} == {"senseid"}
    images = re.findall(r"image: (\S+)", done.stdout)
    assert images == [f"senseid:{__version__}"] * 2
    assert dotenv_values(DEPLOY / "compose/.env")["SENSEID_IMAGE"] == images[0]


# systemd.


def unit(path: Path) -> list[tuple[str, str]]:
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines]


def test_there_are_three_units() -> None:
    assert [path.stem for path in UNITS] == ["senseid", "senseid-api", "senseid-worker"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_are_confined_and_stop_in_peace(path: Path) -> None:
    found = dict(unit(path))
    assert found["User"] == "senseid"
    assert found["LimitCORE"] == "0"
    assert found["KillMode"] == "mixed"
    assert int(found["TimeoutStopSec"]) > Limits().stop_seconds
    assert found["StateDirectory"] == "senseid"
    home, *rest = found["Environment"].split()
    assert home == "SENSEID_HOME=/var/lib/senseid"
    credential, _, source = found.get("LoadCredential", "").partition(":")
    assert rest == ([f"PARAM_DECRYPT_KEY_FILE=%d/{credential}"] if credential else [])
    assert source == ("" if path.stem == "senseid-api" else "/etc/senseid/media.key")
    words = shlex.split(found["ExecStart"])
    assert words[1] == "serve"
    done = subprocess.run([sys.executable, "-m", "senseid_cli", *words[1:], "--help"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_units(path: Path, tmp_path: Path) -> None:
    program = tmp_path / "senseid"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = path.read_text().replace("/opt/senseid/bin/senseid", str(program))
    # The account is made by systemd-sysusers, not on this machine.
    copy = tmp_path / path.name
    copy.write_text(text.replace("User=senseid\nGroup=senseid\n", "DynamicUser=yes\n"))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if path.name in line], done.stderr
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stdout


def test_the_account_of_the_units() -> None:
    lines = (DEPLOY / "systemd/senseid.sysusers.conf").read_text().splitlines()
    assert shlex.split(lines[-1])[:2] == ["u", "senseid"]


# The image's health check.


def check(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SENSEID_")}
    return subprocess.run(
        [sys.executable, "-I", str(DEPLOY / "healthcheck.py")],
        env={**plain, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_health_check_of_nobody() -> None:
    done = check({"SENSEID_PORT": "1"})
    assert done.returncode == 1
    assert "refused" in done.stderr


# What the service's HTTP is read with.


def test_an_h11_that_takes_broken_chunks_is_not_admitted() -> None:
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())
    found = [Requirement(line) for line in project["project"]["optional-dependencies"]["serve"]]
    (h11,) = [requirement for requirement in found if requirement.name == "h11"]
    assert not h11.specifier.contains("0.14.0")
    assert h11.specifier.contains("0.16.0")
