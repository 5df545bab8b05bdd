"""Settings of the service: from a `.env` file, the environment and the command line, in rising precedence."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from senseid.bodies import DEFAULT_THRESHOLD
from senseid.env_file import distrust
from senseid.errors import SettingError
from senseid_engine.device import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

MEBIBYTE: Final = 1024 * 1024

GUESSABLE: Final = 16
"""An API key of fewer characters may be guessed."""

API_PORT: Final = 3000
"""Port of the API in the manual."""

WORKER_PORT: Final = 50050
"""Port of the workers in the manual."""


class Role(StrEnum):
    """The part of the service that this process is."""

    ALL = "all"
    API = "api"
    WORKER = "worker"

    @property
    def has_models(self) -> bool:
        """Whether it processes photos itself, and so needs models, licences and keys."""
        return self is not Role.API


def host_and_port(host: str, port: int) -> str:
    """Both as a URL has them: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class WorkerAddress:
    """The address of a worker.

    Attributes:
        scheme: `http` or `https`.
        host: a name or an address, an IPv6 address without brackets.
        port: 1..65535.
    """

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address without a path, such as `http://10.0.0.2:50050`."""
        return f"{self.scheme}://{host_and_port(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one client, or all of them together.

    Attributes:
        queue: requests that may wait for a handler; one more is answered 503.
        queue_seconds: how long one may wait.
        job_seconds: how long a handler may work on one request before it is ended.
        body_bytes: maximum length of a body.
        buffer_bytes: maximum of bytes of bodies in memory at once.
        connections: maximum of open connections.
        header_seconds: how long a client may take to send its request line and headers.
        idle_seconds: how long it may pause inside a body, or leave an answer unread.
        body_seconds: how long a whole body may take.
        stop_seconds: how long running requests may go on after a stop was asked for.
        rate: requests per second of one address; 0 is no limit.
    """

    queue: int = 16
    queue_seconds: float = 30
    job_seconds: float = 120
    body_bytes: int = 48 * MEBIBYTE
    buffer_bytes: int = 256 * MEBIBYTE
    connections: int = 1000
    header_seconds: float = 10
    idle_seconds: float = 15
    body_seconds: float = 120
    stop_seconds: float = 30
    rate: float = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the service except the decryption keys.

    Attributes:
        role: the part of the service.
        host: where the API listens, or the worker in the role `worker`.
        port: of the API, or of the worker in the role `worker`.
        worker_port: where the role `all` answers the worker's health check, on this machine only; 0 is nowhere.
        workers: the workers behind the API role.
        worker_ca: certificates that `https` workers are checked against; the system's if None.
        handlers: processes that look at photos.
        device: where the networks run; `auto` is the CPU, see `senseid.models.Models`.
        phone_formats: whether photos may be WebP, AVIF and HEIC, beside the formats of the manual.
        ui: whether the page is served.
        samples: a folder of photos and videos that the page offers to try.
        metrics: address and port of the metrics, or None.
        open: whether clients beyond this machine may be served without a key.
        hosts: other names of a service that only this machine reaches.
        api_keys: a request must carry one of these if there are any.
        worker_key: the key that the API sends to its workers, and that a worker has among its `api_keys`.
        tls_cert: the certificate chain of the listener.
        tls_key: its private key.
        cors: origins whose pages may call the service; `*` is all.
        decision_log: the file that every decision is appended to, or None.
        decision_log_key: the name of the key of `senseid key` that seals its records, or None.
        decision_log_days: how long its records are kept; 0 is for ever.
        threshold: the score from which on a result counts as a match in metrics and the decision log.
        plain_media: whether photos and videos may come as plain files.
        limits: the limits for clients.
    """

    role: Role
    host: str
    port: int
    worker_port: int
    workers: tuple[WorkerAddress, ...]
    worker_ca: Path | None
    handlers: int
    device: Device
    phone_formats: bool
    ui: bool
    samples: Path | None
    metrics: tuple[str, int] | None
    open: bool
    hosts: tuple[str, ...]
    api_keys: tuple[str, ...] = field(repr=False)
    worker_key: str | None = field(repr=False)
    tls_cert: Path | None
    tls_key: Path | None
    cors: tuple[str, ...]
    decision_log: Path | None
    decision_log_key: str | None
    decision_log_days: float
    threshold: float
    plain_media: bool
    limits: Limits

    @property
    def has_link(self) -> bool:
        """Whether a link opens the page: where only this machine reaches it, and the keys are here."""
        return self.ui and self.role is Role.ALL and is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting as users see it.

    Attributes:
        name: the name of the environment variable.
        meaning: one line for `--show-config` and the documentation.
        default: its default, as text.
        secret: whether its value is never shown.
    """

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


VARIABLES: Final = (
    Variable("SENSEID_ROLE", "all, api or worker", "all"),
    Variable("SENSEID_HOST", "address to listen on; 0.0.0.0 is every network", "127.0.0.1"),
    Variable("SENSEID_PORT", "port to listen on", "3000, of a worker 50050"),
    Variable(
        "SENSEID_WORKER_PORT", "role all: port of the worker's health check, this machine only; 0 is none", "50050"
    ),
    Variable("WORKER_IP", "role api: its workers, address[:port], with commas between them; https://... for TLS"),
    Variable("SENSEID_WORKER_CA", "role api: file of the certificates that https workers are checked against"),
    Variable("HANDLERS", "processes that look at photos, at most the physical cores", "the CPUs of this process"),
    Variable("SENSEID_DEVICE", "where the networks run: auto, cpu or openvino", "auto"),
    Variable("PARAM_DECRYPT_KEY", "decryption key, 32 characters", secret=True),
    Variable("PARAM_DECRYPT_IV", "initialisation vector, 12 characters", secret=True),
    Variable("PARAM_DECRYPT_KEY_FILE", "file with both, as --key-file takes it; counts beside them"),
    Variable("SENSEID_API_KEY", "clients send it as X-API-Key; without one every client is served", secret=True),
    Variable("SENSEID_API_KEY_FILE", "file with such keys, one per line"),
    Variable("SENSEID_WORKER_KEY", "the API sends it to its workers; else the first of its keys", secret=True),
    Variable("SENSEID_WORKER_KEY_FILE", "file with it; a worker takes each line, an API sends the first"),
    Variable("SENSEID_OPEN", "true serves clients of other machines without a key", "false"),
    Variable("SENSEID_HOSTS", "names by which a proxy calls a service of this machine alone, with commas", "none"),
    Variable("SENSEID_TLS_CERT", "file of the certificate chain; makes the listener HTTPS"),
    Variable("SENSEID_TLS_KEY", "file of its private key"),
    Variable("SENSEID_CORS_ORIGINS", "origins whose pages may call the service, with commas between them", "none"),
    Variable("SENSEID_PLAIN_MEDIA", "true takes plain photos and videos too; this machine or TLS only", "false"),
    Variable("SENSEID_PHONE_FORMATS", "true also takes photos in WebP, AVIF and HEIC (extra heif)", "false"),
    Variable("SENSEID_UI", "true serves a page to try things out", "false"),
    Variable("SENSEID_SAMPLES", "folder of photos and videos that the page offers to everybody who is served", "none"),
    Variable("SENSEID_METRICS", "[address:]port of the Prometheus metrics", "none"),
    Variable("SENSEID_DECISION_LOG", "file that every decision is appended to", "none"),
    Variable("SENSEID_DECISION_LOG_KEY", "name of the key of `senseid key` that seals its records", "none"),
    Variable("SENSEID_DECISION_LOG_DAYS", "days that its records are kept; 0 is for ever", "0"),
    Variable("SENSEID_THRESHOLD", "score from which on metrics and decision log say match", f"{DEFAULT_THRESHOLD:g}"),
    Variable("SENSEID_QUEUE", "requests that may wait for a handler", str(Limits().queue)),
    Variable("SENSEID_QUEUE_SECONDS", "how long a request may wait", f"{Limits().queue_seconds:g}"),
    Variable("SENSEID_JOB_SECONDS", "how long a handler may work on one request", f"{Limits().job_seconds:g}"),
    Variable("SENSEID_BODY_MB", "longest body, in MiB", str(Limits().body_bytes // MEBIBYTE)),
    Variable("SENSEID_BUFFER_MB", "bodies in memory at once, in MiB", str(Limits().buffer_bytes // MEBIBYTE)),
    Variable("SENSEID_CONNECTIONS", "open connections", str(Limits().connections)),
    Variable("SENSEID_HEADER_SECONDS", "how long headers may take", f"{Limits().header_seconds:g}"),
    Variable("SENSEID_IDLE_SECONDS", "longest pause of a client", f"{Limits().idle_seconds:g}"),
    Variable("SENSEID_BODY_SECONDS", "how long a body may take", f"{Limits().body_seconds:g}"),
    Variable("SENSEID_STOP_SECONDS", "how long running requests may go on after a stop", f"{Limits().stop_seconds:g}"),
    Variable("SENSEID_RATE", "requests a second of one address; 0 is no limit", "0"),
)
"""Every setting, in the order of `--show-config`."""

_VARIABLE_OF: Final = {
    "workers": "WORKER_IP",
    "handlers": "HANDLERS",
    "api_keys": "SENSEID_API_KEY",
    "cors": "SENSEID_CORS_ORIGINS",
    "body_bytes": "SENSEID_BODY_MB",
    "buffer_bytes": "SENSEID_BUFFER_MB",
}
"""The variables that are not called as the field of `Settings` or `Limits` is that they set."""

OLDER_NAMES: Final = {"HANDLERS": ("HANDLES",)}
"""Other spellings, used if the right one is absent: the manual has both."""


@dataclass(frozen=True, slots=True)
class Values:
    """The settings as text, with their origins.

    Attributes:
        texts: value by name; only what was set.
        origins: `option`, `environment` or the path of the `.env` file, by name.
        notes: notes to the user about a `.env` file that was not named.
    """

    texts: Mapping[str, str] = field(repr=False)
    origins: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """The value, without white space around it; empty if it was not set."""
        return self.texts.get(name, "").strip()


def gather(
    options: Mapping[str, str], environment: Mapping[str, str], env_file: Path | None, *, named: bool = True
) -> Values:
    """Collect all settings: options override the environment, which overrides the file.

    Args:
        options: values from the command line, by the variable's name.
        environment: that of this process.
        env_file: a `.env` file, or None.
        named: whether the user named it. From any other, no setting is taken that admits more clients or
            adds to a key of another source, and nothing at all if others may write it.

    Raises:
        SettingError: the file cannot be read.
    """
    from_file: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if env_file is not None and named:
        from_file = read_env_file(env_file)
    elif env_file is not None:
        from_file, notes = _unnamed(env_file, {**environment, **options})
    sources = ((options, "option"), (environment, "environment"), (from_file, str(env_file)))
    texts, origins = {}, {}
    for variable in VARIABLES:
        for name in (variable.name, *OLDER_NAMES.get(variable.name, ())):
            found = next(((source[name], origin) for source, origin in sources if source.get(name)), None)
            if found is not None:
                texts[variable.name], origins[variable.name] = found
                break
    return Values(texts, origins, notes)


_WIDENING: Final = (
    "SENSEID_HOST", "SENSEID_OPEN", "SENSEID_HOSTS", "SENSEID_CORS_ORIGINS", "SENSEID_METRICS", "SENSEID_PLAIN_MEDIA",
    "SENSEID_SAMPLES",
)  # fmt: skip
_KEYS: Final = (
    ("PARAM_DECRYPT_KEY", "PARAM_DECRYPT_IV", "PARAM_DECRYPT_KEY_FILE"),
    ("SENSEID_API_KEY", "SENSEID_API_KEY_FILE", "SENSEID_WORKER_KEY", "SENSEID_WORKER_KEY_FILE"),
)
"""Keys that add up: one from a file that was not named is used only if there is none from elsewhere."""


def _unnamed(path: Path, others: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The usable settings of a `.env` file that was not named, and the notes to the user about it."""
    name_it = f"If it is meant, name the file: --env-file {path}"
    reason = distrust(path)
    if reason:
        return {}, (f"{path} of this folder is not read: {reason}. {name_it}",)
    known = {name for one in VARIABLES for name in (one.name, *OLDER_NAMES.get(one.name, ()))}
    found = {name: value for name, value in read_env_file(path).items() if name in known and value}
    barred = {*_WIDENING, "PARAM_DECRYPT_KEY_FILE"}
    for group in _KEYS:
        if any(others.get(name) for name in group):
            barred.update(group)
    taken = {name: value for name, value in found.items() if name not in barred}
    notes = []
    if taken:
        notes.append(f"{path} of this folder, which was not named, sets {', '.join(taken)}")
    left = [name for name in found if name not in taken and not others.get(name)]
    if left:
        notes.append(f"{', '.join(left)} of {path} counts for nothing, since it was not named. {name_it}")
    return taken, tuple(notes)


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, none of them expanded: a key may hold a dollar sign.

    Raises:
        SettingError: it cannot be read.
    """
    from io import StringIO

    from dotenv import dotenv_values

    from senseid_crypto.key_file import MOST_BYTES

    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    if len(data) > MOST_BYTES:
        raise _unreadable(path, f"it is over {MOST_BYTES:,} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8") from error
    found = dotenv_values(stream=StringIO(text, newline=None), interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def _unreadable(path: Path, reason: str) -> SettingError:
    return SettingError(f"{path} cannot be read: {reason}", remedy="check the path after --env-file")


def parse(values: Values, *, physical_cores: int, cpus: int, complete: bool = True) -> Settings:
    """Check every setting.

    Args:
        values: the collected settings.
        physical_cores: those of this machine.
        cpus: CPUs that this process may use.
        complete: whether they are to serve with; those that find a service that runs already need not be all.

    Raises:
        SettingError: one of them is invalid; the message names it.
    """
    read = _Reader(values)
    role = read.one_of("SENSEID_ROLE", Role, Role.ALL, "all, api or worker")
    api_keys = read.secrets("SENSEID_API_KEY", "SENSEID_API_KEY_FILE")
    worker_keys = read.secrets("SENSEID_WORKER_KEY", "SENSEID_WORKER_KEY_FILE")
    if role is Role.WORKER:
        api_keys = (*api_keys, *worker_keys)
    settings = Settings(
        role=role,
        host=values.get("SENSEID_HOST").strip("[]") or "127.0.0.1",
        port=read.integer("SENSEID_PORT", WORKER_PORT if role is Role.WORKER else API_PORT, 0, 65535),
        worker_port=read.integer("SENSEID_WORKER_PORT", WORKER_PORT, 0, 65535),
        workers=tuple(map(_worker, read.words("WORKER_IP"))),
        worker_ca=read.file("SENSEID_WORKER_CA"),
        handlers=read.integer("HANDLERS", max(1, min(physical_cores, cpus)), 1, None),
        device=read.one_of("SENSEID_DEVICE", Device, Device.AUTO, "auto, cpu or openvino"),
        phone_formats=read.boolean("SENSEID_PHONE_FORMATS"),
        ui=read.boolean("SENSEID_UI"),
        samples=read.folder("SENSEID_SAMPLES"),
        metrics=_metrics(values.get("SENSEID_METRICS")),
        open=read.boolean("SENSEID_OPEN"),
        hosts=read.words("SENSEID_HOSTS"),
        api_keys=api_keys,
        worker_key=next(iter(worker_keys or api_keys), None),
        tls_cert=read.file("SENSEID_TLS_CERT"),
        tls_key=read.file("SENSEID_TLS_KEY"),
        cors=read.words("SENSEID_CORS_ORIGINS"),
        decision_log=Path(values.get("SENSEID_DECISION_LOG")) if values.get("SENSEID_DECISION_LOG") else None,
        decision_log_key=values.get("SENSEID_DECISION_LOG_KEY") or None,
        decision_log_days=read.days("SENSEID_DECISION_LOG_DAYS", 0.0),
        threshold=read.share("SENSEID_THRESHOLD", DEFAULT_THRESHOLD),
        plain_media=read.boolean("SENSEID_PLAIN_MEDIA"),
        limits=Limits(
            queue=read.integer("SENSEID_QUEUE", Limits().queue, 0, 100_000),
            queue_seconds=read.seconds("SENSEID_QUEUE_SECONDS", Limits().queue_seconds),
            job_seconds=read.seconds("SENSEID_JOB_SECONDS", Limits().job_seconds),
            body_bytes=read.integer("SENSEID_BODY_MB", Limits().body_bytes // MEBIBYTE, 1, 1024) * MEBIBYTE,
            buffer_bytes=read.integer("SENSEID_BUFFER_MB", Limits().buffer_bytes // MEBIBYTE, 1, 1_000_000) * MEBIBYTE,
            connections=read.integer("SENSEID_CONNECTIONS", Limits().connections, 1, 100_000),
            header_seconds=read.seconds("SENSEID_HEADER_SECONDS", Limits().header_seconds),
            idle_seconds=read.seconds("SENSEID_IDLE_SECONDS", Limits().idle_seconds),
            body_seconds=read.seconds("SENSEID_BODY_SECONDS", Limits().body_seconds),
            stop_seconds=read.seconds("SENSEID_STOP_SECONDS", Limits().stop_seconds),
            rate=read.seconds("SENSEID_RATE", Limits().rate, least=0),
        ),
    )
    if complete:
        _check_together(settings, physical_cores)
    return settings


def _check_together(settings: Settings, physical_cores: int) -> None:
    if settings.role.has_models and settings.handlers > physical_cores:
        raise SettingError(
            f"HANDLERS is {settings.handlers}, and this machine has {physical_cores} physical"
            f" core{'s' if physical_cores > 1 else ''}",
            remedy="set it to at most that; more of them would only wait for each other",
        )
    if settings.role is Role.API and not settings.workers:
        raise SettingError(
            "WORKER_IP is not set, and the role api has no models of its own",
            remedy="name the machines where `senseid serve --role worker` runs, as in `--workers 10.0.0.2`",
        )
    if settings.role.has_models and settings.device is Device.CUDA:
        raise SettingError(
            "SENSEID_DEVICE is cuda, and the handlers are forked from one process, which CUDA does not survive",
            remedy="use auto, cpu or openvino; commands such as `senseid batch` take cuda",
        )
    _check_who_may_connect(settings)
    if (settings.tls_cert is None) is not (settings.tls_key is None):
        raise SettingError(
            "SENSEID_TLS_CERT and SENSEID_TLS_KEY belong together, and one of them is not set", remedy="set both"
        )
    _check_plain_media(settings)
    if settings.samples is not None and not settings.ui:
        raise SettingError("SENSEID_SAMPLES is for the page, which is off", remedy="give --ui as well")
    if settings.ui and settings.role is Role.WORKER:
        raise SettingError("a worker serves no page", remedy="use --ui with the role all or api")


def _check_who_may_connect(settings: Settings) -> None:
    if settings.open:
        return
    if not settings.api_keys and not is_loopback(settings.host):
        raise SettingError(
            f"SENSEID_API_KEY is not set, and everybody who reaches {settings.host} would be served",
            remedy="set it, or SENSEID_API_KEY_FILE; give --open (SENSEID_OPEN=true) if everybody may be",
        )
    beyond = [worker.host for worker in settings.workers if not is_loopback(worker.host)]
    if settings.role is Role.API and not settings.worker_key and beyond:
        raise SettingError(
            f"SENSEID_WORKER_KEY is not set, and the worker {beyond[0]} could not tell this API from anybody else",
            remedy="set it to the same here and there (a key of SENSEID_API_KEY does, too); give --open"
            " (SENSEID_OPEN=true) if workers may serve everybody",
        )


def _check_plain_media(settings: Settings) -> None:
    if not settings.plain_media:
        return
    if settings.role is not Role.ALL:
        raise SettingError(
            f"SENSEID_PLAIN_MEDIA is true, and the role is {settings.role}: an API and its workers exchange encrypted"
            " photos only",
            remedy="leave it out, or use the role all",
        )
    if settings.tls_cert is None and not is_loopback(settings.host):
        raise SettingError(
            f"SENSEID_PLAIN_MEDIA is true, and whoever is on the way to {settings.host} would see the photos",
            remedy="set SENSEID_TLS_CERT and SENSEID_TLS_KEY, listen on 127.0.0.1, or leave it out",
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only. A name for which that is unclear counts as public."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_certificate(settings: Settings) -> None:
    """Return if the listener can use its certificate and key, or has none.

    Raises:
        SettingError: it cannot.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would prompt for one on the terminal, and wait.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: b"")
    except OSError as error:
        raise SettingError(
            "SENSEID_TLS_CERT and SENSEID_TLS_KEY cannot be used together",
            remedy=f"check that {settings.tls_cert} is a certificate in PEM and {settings.tls_key} its key, readable"
            " and without a passphrase",
        ) from error


def changed(old: Settings, new: Settings) -> list[str]:
    """The names of the variables whose values differ."""
    names = [
        each.name
        for before, after in ((old, new), (old.limits, new.limits))
        for each in fields(before)
        if each.name != "limits" and getattr(before, each.name) != getattr(after, each.name)
    ]
    return [_VARIABLE_OF.get(name, f"SENSEID_{name.upper()}") for name in names]


def shown(values: Values, settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and origin of each setting for `--show-config`; of a secret only whether it is set."""
    rows = []
    for variable in VARIABLES:
        text = values.get(variable.name)
        if variable.secret:
            text = "(set)" if text else ""
        elif variable.name == "HANDLERS":
            text = str(settings.handlers) if settings.role.has_models else ""
        elif variable.name == "SENSEID_PORT":
            text = str(settings.port)
        rows.append((variable.name, text or variable.default or "none", values.origins.get(variable.name, "default")))
    return rows


class _Reader:
    """Reads one setting at a time, and names it in errors."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def integer(self, name: str, default: int, least: int, most: int | None) -> int:
        text = self._values.get(name)
        if not text:
            return default
        bounds = f"a whole number from {least} to {most}" if most is not None else f"a whole number from {least} on"
        if not _is_number(text):
            raise self._refused(name, text, bounds)
        value = int(text)
        if value < least or (most is not None and value > most):
            raise self._refused(name, text, bounds)
        return value

    def seconds(self, name: str, default: float, *, least: float = 0.1) -> float:
        return self._number(name, default, least, math.inf, f"a number from {least:g} on")

    def days(self, name: str, default: float) -> float:
        # So many before now is a date.
        return self._number(name, default, 0.0, 36_500.0, "a number from 0 to 36500")

    def share(self, name: str, default: float) -> float:
        return self._number(name, default, 0.0, 1.0, "a number from 0 to 1")

    def _number(self, name: str, default: float, least: float, most: float, wanted: str) -> float:
        text = self._values.get(name)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            raise self._refused(name, text, wanted)
        return value

    def boolean(self, name: str) -> bool:
        text = self._values.get(name).lower()
        if text not in {"", "true", "false"}:
            raise self._refused(name, text, "true or false")
        return text == "true"

    def one_of(self, name: str, kind: Callable[[str], T], default: T, choice: str) -> T:
        text = self._values.get(name)
        try:
            return kind(text.lower()) if text else default
        except ValueError:
            raise self._refused(name, text, choice) from None

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self._values.get(name).split(",") if word.strip())

    def file(self, name: str) -> Path | None:
        return self._path(name, os.path.isfile, "file")

    def folder(self, name: str) -> Path | None:
        return self._path(name, os.path.isdir, "folder")

    def _path(self, name: str, is_one: Callable[[str], bool], kind: str) -> Path | None:
        text = self._values.get(name)
        if not text:
            return None
        if not is_one(text):
            raise SettingError(f"{name} names {text}, which is not a {kind}", remedy="check the path")
        return Path(text)

    def secrets(self, name: str, file_name: str) -> tuple[str, ...]:
        found = [self._values.get(name)] if self._values.get(name) else []
        path = self.file(file_name)
        if path is not None:
            try:
                found += [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            except (OSError, UnicodeDecodeError):
                raise SettingError(f"{file_name} names {path}, which cannot be read", remedy="check it") from None
            if not found:
                raise SettingError(f"{file_name} names {path}, which holds no key", remedy="write one key per line")
        _check_header(found, f"{name} or {file_name}")
        return tuple(found)

    @staticmethod
    def _refused(name: str, text: str, wanted: str) -> SettingError:
        return SettingError(f"{name} is {text!r}, and must be {wanted}", remedy=f"change {name}")


def _check_header(keys: Sequence[str], name: str) -> None:
    if not all(key.isascii() and key.isprintable() for key in keys):
        raise SettingError(
            f"{name} holds a key that no header can carry", remedy="use letters, digits and signs of ASCII"
        )


def _worker(text: str) -> WorkerAddress:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
        (parts.hostname or "").encode("idna")  # an empty or an endless part, as in `10.0.0..2`, could never be asked
    except ValueError:
        port, parts = None, urlsplit("")
    if not parts.hostname or parts.scheme not in {"http", "https"} or parts.path not in {"", "/"} or parts.username:
        raise SettingError(
            f"WORKER_IP holds {text!r}, which is no address",
            remedy="write address or address:port, with commas between, and an IPv6 address in brackets",
        )
    return WorkerAddress(parts.scheme, parts.hostname, port or WORKER_PORT)


def _is_number(text: str) -> bool:
    """Whether a text is a whole number without a sign, and one that is read: `int` refuses thousands of digits."""
    # isdecimal alone accepts digits of other scripts.
    return text.isascii() and text.isdecimal() and len(text) < 20


def _metrics(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    # The port of `::1` is none: what is left of it is no address.
    if not (_is_number(port) and int(port) <= 65535) or host.endswith(":"):
        raise SettingError(f"SENSEID_METRICS is {text!r}, and must be [address:]port", remedy="change SENSEID_METRICS")
    return host.strip("[]") or "127.0.0.1", int(port)
