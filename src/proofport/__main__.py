"""`python -m proofport`: the command line, where the command itself is not on the path."""

from proofport.cli import main

raise SystemExit(main())
