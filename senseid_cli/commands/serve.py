"""`senseid serve`: the HTTP service of the manual, in the foreground or the background."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import installation
from senseid.errors import NoKeyError, SettingError
from senseid_cli import browser
from senseid_cli.crypt.options import KeyFile
from senseid_cli.groups import GroupWithSharedOptions
from senseid_cli.key_sources import key_sources
from senseid_cli.options import EnvFile
from senseid_cli.output import terminal
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid.keys import KeySources
    from senseid_service.background import Background
    from senseid_service.reload import Loaded
    from senseid_service.settings import Settings, Values

app = typer.Typer(cls=GroupWithSharedOptions, invoke_without_command=True)

_ABOUT_RUNNING = frozenset({"stop", "reload", "status", "logs"})
"""Commands about a service that runs: they need not be told all that it was started with."""

_OPTIONS = {
    "SENSEID_ROLE": "--role",
    "SENSEID_HOST": "--host",
    "SENSEID_PORT": "--port",
    "WORKER_IP": "--workers",
    "HANDLERS": "--handlers",
    "SENSEID_DEVICE": "--device",
    "SENSEID_METRICS": "--metrics",
    "SENSEID_TLS_CERT": "--tls-cert",
    "SENSEID_TLS_KEY": "--tls-key",
    "SENSEID_API_KEY_FILE": "--api-key-file",
}
"""The option of each variable that takes a value."""

Lines = Annotated[int, typer.Option("--lines", "-n", metavar="COUNT", min=0, help="How many lines.")]


@app.callback()
def serve(
    context: typer.Context,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="all|api|worker",
            help="all: everything here; api: HTTP only; worker: models only.",
            show_default="all",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT", help="Port to listen on.", show_default="3000, a worker 50050"),
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="ADDRESS[:PORT],...", help="Role api: its workers.")
    ] = None,
    handlers: Annotated[
        str | None,
        typer.Option("--handlers", metavar="COUNT", help="Processes that look at photos.", show_default="one a core"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="auto|cpu|openvino", help="Where the networks run.", show_default="auto"),
    ] = None,
    ui: Annotated[bool, typer.Option("--ui", help="Serve a page at / to try things out.")] = False,
    plain_media: Annotated[
        bool,
        typer.Option("--plain-media", help="Take photos and videos that are not encrypted: this machine or TLS only."),
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open-browser", help="Open the page in a browser; with --ui.")
    ] = False,
    samples: Annotated[
        str | None, typer.Option("--samples", metavar="FOLDER", help="Photos and videos that the page offers.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", metavar="[ADDRESS:]PORT", help="Where Prometheus reads.")
    ] = None,
    tls_cert: Annotated[str | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate chain.")] = None,
    tls_key: Annotated[str | None, typer.Option("--tls-key", metavar="FILE", help="Its private key.")] = None,
    api_key_file: Annotated[
        str | None, typer.Option("--api-key-file", metavar="FILE", help="Clients must send one of its lines.")
    ] = None,
    key_file: KeyFile = None,
    env_file: EnvFile = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Serve clients of other machines without an API key.")
    ] = False,
    show_config: Annotated[bool, typer.Option("--show-config", help="Print every setting, and serve nothing.")] = False,
) -> None:
    """Answer the HTTP API until Ctrl-C or SIGTERM; with a command, in the background.

    Every setting can also come from the environment or a .env file: --show-config lists them.

    Examples:
        senseid serve --ui
        senseid serve --role api --workers 10.0.0.2,10.0.0.3 --api-key-file clients.txt
        senseid serve start --port 3001
    """
    options = {
        "SENSEID_ROLE": role,
        "SENSEID_HOST": host,
        "SENSEID_PORT": port,
        "WORKER_IP": workers,
        "HANDLERS": handlers,
        "SENSEID_DEVICE": device,
        "SENSEID_UI": "true" if ui else None,
        "SENSEID_PLAIN_MEDIA": "true" if plain_media else None,
        "SENSEID_SAMPLES": samples,
        "SENSEID_METRICS": metrics,
        "SENSEID_TLS_CERT": tls_cert,
        "SENSEID_TLS_KEY": tls_key,
        "SENSEID_API_KEY_FILE": api_key_file,
        "SENSEID_OPEN": "true" if open_to_all else None,
    }
    given = {name: text for name, text in options.items() if text is not None}
    values, settings, sources = _settings(
        given, key_file, env_file, complete=context.invoked_subcommand not in _ABOUT_RUNNING
    )
    if show_config:
        _show(values, settings, sources)
        raise typer.Exit
    if open_browser:
        _check_browser(settings)
    context.obj["serve"] = (settings, given, key_file, env_file, open_browser)
    if context.invoked_subcommand is None:
        loaded = _load(values, settings, sources)
        raise typer.Exit(_run(loaded, lambda: _load(*_settings(given, key_file, env_file)), open_browser=open_browser))


@app.command("start")
def start(context: typer.Context) -> None:
    """Serve in the background, and come back when it answers.

    Examples:
        senseid serve start
        senseid serve start --port 3001 --handlers 2
    """
    settings, given, key_file, env_file, open_browser = context.obj["serve"]
    # -P: never import a module from the current folder, which others may write to.
    command = [sys.executable, "-P", "-m", "senseid_cli", "serve"]
    for option, path in (("--key-file", key_file), ("--env-file", env_file)):
        if path is not None:
            command += [option, str(path)]
    background = _background(settings)
    if not settings.has_link:
        background.start(command, given)
        typer.echo(f"{background.name} answers at {background.url}")
        return
    from senseid_service.page_access import TOKEN_VARIABLE, link, new_token

    token = new_token()
    background.start([*command, *(["--open-browser"] if open_browser else [])], {**given, TOKEN_VARIABLE: token})
    typer.echo(f"{background.name} answers at {background.url}")
    if open_browser:  # it would have been used
        return
    if _is_for_eyes():
        _show_link(link(background.url, token))
    else:
        terminal.note("the link to the page is shown on a terminal alone: stop the service, and start it on one")


@app.command("stop")
def stop(context: typer.Context) -> None:
    """Stop it; what runs is finished first.

    Examples:
        senseid serve stop
        senseid serve stop --role worker
    """
    background = _background(context.obj["serve"][0])
    typer.echo("stopped" if background.stop() else "was not running")


@app.command("reload")
def reload(context: typer.Context) -> None:
    """Let it read licences, keys and the threshold again; its log says what came of it.

    Examples:
        senseid serve reload
        senseid serve reload --role worker
    """
    background = _background(context.obj["serve"][0])
    found = background.reload()
    typer.echo("reads them again: see `senseid serve logs`" if found else "was not running")
    raise typer.Exit(0 if found else 1)


@app.command("status")
def status(context: typer.Context) -> None:
    """Say whether it runs and answers. Exit status: 0 it does, 1 it does not.

    Examples:
        senseid serve status
        senseid serve status --role worker
    """
    line, healthy = _background(context.obj["serve"][0]).status()
    typer.echo(line)
    raise typer.Exit(0 if healthy else 1)


@app.command("logs")
def logs(
    context: typer.Context,
    lines: Lines = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what comes.")] = False,
) -> None:
    """Print the end of its log: one JSON object per line.

    Examples:
        senseid serve logs
        senseid serve logs --lines 100 --follow
    """
    for line in _background(context.obj["serve"][0]).log_lines(lines, follow=follow):
        typer.echo(line)


def _settings(
    given: dict[str, str], key_file: Path | None, env_file: Path | None, *, complete: bool = True
) -> tuple[Values, Settings, KeySources]:
    import dataclasses
    import os

    from senseid.env_file import UNNAMED
    from senseid_service import settings

    file = env_file or UNNAMED
    named = env_file is not None
    values = settings.gather(given, os.environ, file if named or os.path.isfile(file) else None, named=named)
    for text in values.notes:
        terminal.note_once(text)
    cores, cpus = installation.cpus()
    sources = dataclasses.replace(key_sources(key_file), env_file=file, env_named=named)
    try:
        parsed = settings.parse(values, physical_cores=cores, cpus=cpus, complete=complete)
    except SettingError as error:
        raise _by_option(error, given) from None
    return values, parsed, sources


def _by_option(error: SettingError, given: dict[str, str]) -> SettingError:
    """The same error with the names of the options that were given, not of the variables that they stand for."""
    message, remedy = error.message, error.remedy
    for variable, option in _OPTIONS.items():
        if variable in given:
            message, remedy = message.replace(variable, option), remedy.replace(variable, option)
    return SettingError(message, remedy=remedy)


def _show(values: Values, settings: Settings, sources: KeySources) -> None:
    from senseid_service.settings import shown

    for name, text, origin in shown(values, settings):
        typer.echo(printable(f"{name:<24} {text:<16} {origin}"))
    if settings.role.has_models:
        for known in sources.known():
            typer.echo(printable(f"{'key':<24} {known.key.id:<16} {known.place}"))


def _check_browser(settings: Settings) -> None:
    if not settings.has_link:
        raise typer.BadParameter(
            "it needs --ui, and a service that only this machine reaches", param_hint="--open-browser"
        )
    if not browser.is_there():
        raise typer.BadParameter(
            "there is no browser here: leave it out, and open the link that is printed", param_hint="--open-browser"
        )


def _is_for_eyes() -> bool:
    """Whether standard output is a terminal. What is none may be a log, which would keep a link."""
    return terminal.terminal_width() is not None


def _show_link(link: str) -> None:
    typer.echo(f"open the page, once: {link}")


def _run(loaded: Loaded, load: Callable[[], Loaded], *, open_browser: bool) -> int:
    import contextlib
    import os

    from senseid_crypto.key import weaknesses
    from senseid_service import start as service
    from senseid_service.page_access import TOKEN_VARIABLE
    from senseid_service.settings import GUESSABLE, is_loopback

    if loaded.settings.has_link and not loaded.keys:
        terminal.note("there is no key: only the page can send photos and videos")
    for key in loaded.keys:
        for weakness in weaknesses(key):
            terminal.note(f"the key {key.id} {weakness}")
    if loaded.keys and not any(key.iv for key in loaded.keys):
        terminal.note(
            "no key has an IV: what clients send in the wire format is refused (1200), and only the container is"
            " read; set PARAM_DECRYPT_IV"
        )
    shortest = min(map(len, loaded.settings.api_keys), default=GUESSABLE)
    if shortest < GUESSABLE and not is_loopback(loaded.settings.host):
        terminal.note(
            f"an API key has {shortest} characters: it looks typed, and others may guess it; `openssl rand -hex 32`"
            " makes a good one"
        )
    service.check_installed()
    token = os.environ.pop(TOKEN_VARIABLE, None)
    show = _show_link if _is_for_eyes() and token is None else None
    with contextlib.ExitStack() as stack:
        browse = stack.enter_context(browser.opening()) if open_browser else None
        return service.run(loaded, load, cpus=installation.cpus()[1], token=token, show=show, browse=browse)


def _load(values: Values, settings: Settings, sources: KeySources) -> Loaded:
    """Everything that the service runs with, and the files that it came from."""
    from senseid_service.reload import Loaded

    named = values.get("SENSEID_API_KEY_FILE")
    files = [sources.env_file, *([Path(named)] if named else []), settings.tls_cert, settings.tls_key]
    known = list(sources.known()) if settings.role.has_models else []
    if settings.role.has_models:
        files += [sources.folder.folder, *(each.path for each in known)]
        if not known and not settings.has_link:
            raise NoKeyError(
                "there is no key to decrypt what clients send",
                remedy="set PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV to what they encrypt with (the manual's default pair"
                " if they do; everybody knows it), or make a key: `senseid key generate`",
            )
    log = settings.decision_log
    decisions = None if log is None else installation.decision_log(log.absolute(), settings.decision_log_key)
    keys = tuple(each.key for each in known)
    return Loaded(settings, keys, decisions, tuple(path for path in files if path is not None))


def _background(settings: Settings) -> Background:
    from senseid_service.background import Background

    return Background(installation.data_dir() / "service", settings)
