"""`python -m videmo.cli`."""

from videmo.cli.main import main

main()
