"""The command that shows and changes what waits in a ledger's inbox."""
