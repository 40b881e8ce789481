"""Runs the command line: `python -m cli`, or `llm-serving` once installed."""

from cli.app import app


def main() -> None:
    """Run the command line with the arguments of this process, and exit with its code."""
    app(prog_name="llm-serving")


if __name__ == "__main__":
    main()
