"""`python -m voxtrace` is `voxtrace`."""

import sys

from voxtrace.cli.main import main

sys.exit(main())
