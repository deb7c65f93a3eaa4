"""The command lines: flags in, one call into the package, an exit status out."""
