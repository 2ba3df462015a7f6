"""`python -m api.cli` is `ggzy`."""

from api.cli import main

main()
