"""The command line `lianxin`: which commands there are, in the order in which help tells them.

A command's file imports what its options need and nothing else, and the rest when the command runs: help has
to come at once, and a check without a database does not wait for one (tests/web/test_commands.py).
"""

from __future__ import annotations

import typer

from web.commands import keys, ledger, one_recording, schema, serving, setting_up
from web.commands.doctor import doctor
from web.commands.passwords import password
from web.commands.verify import verify
from web.commands.verify_audit import verify_audit

app = typer.Typer(
    help="连心桥 Lianxin：视频接访 video reception",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
archive = typer.Typer(help="归档 archive", no_args_is_help=True)
app.add_typer(keys.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(archive, name="archive")
app.command()(verify)
app.command()(password)
app.command("verify-audit")(verify_audit)
app.command()(serving.serve)
app.command()(serving.demo)
app.command("figures-demo")(setting_up.figures_demo)
app.command("recount-clocks")(setting_up.recount_clocks)
app.command(hidden=True)(serving.web)
app.command("media-worker", hidden=True)(serving.media_worker)
app.command("recordings-worker", hidden=True)(serving.recordings_worker)
app.command("demo-reception", hidden=True)(serving.demo_reception)
app.command()(schema.migrate)
app.command()(setting_up.user)
app.command()(setting_up.place)
app.command()(one_recording.compose)
app.command()(one_recording.export)
archive.command()(one_recording.restore)
app.command()(doctor)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(setting_up.bench)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
