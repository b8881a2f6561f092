"""``python -m riskml``."""

from riskml.cli import main

raise SystemExit(main())
