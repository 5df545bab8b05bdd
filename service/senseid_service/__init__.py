"""The HTTP service: the manual's API over the engine.

Three kinds of processes: the supervisor (`supervisor`) starts the HTTP process (`http_process`, `app`, `protocol`)
and the model process (`model_process`), which forks the handlers (`handler`); they talk over `ipc`. Endpoints are
data (`endpoints`). Nothing here knows Typer, Rich or an option of the command line; settings come from `settings`.
"""
