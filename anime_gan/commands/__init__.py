"""The command lines: each parses its flags, calls the package, and returns an exit status."""
