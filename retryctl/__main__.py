"""The program: ``python -m retryctl``, and the console script."""

import signal

# Until the program has something to clean up, Ctrl-C ends it at once and without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Run the program, and end the process."""
    import os
    import sys

    from retryctl.cli.main import run

    status = run(sys.argv[1:])
    os._exit(status)  # freeing the memory of a large log takes seconds


if __name__ == "__main__":
    main()
