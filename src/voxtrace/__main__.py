"""`python -m voxtrace` is `voxtrace`."""

import sys

try:
    from voxtrace.cli.main import main

    code = main()
except KeyboardInterrupt:  # before there was anything to end
    code = 130
sys.exit(code)
