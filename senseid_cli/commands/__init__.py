"""The commands, one file per command or group: parse, call, print. Nothing imports them but `senseid_cli.app`."""
