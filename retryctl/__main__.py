"""``python -m retryctl``."""

from retryctl.cli.main import run

if __name__ == "__main__":
    run()
