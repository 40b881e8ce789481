"""`python -m finetune --output FOLDER`: trains, scores and publishes. `--help` lists all settings."""

import logging
import signal
import sys

from .settings import PREEMPTED, RefusedError, read_settings

REFUSED = 78
"""Exit status of what fails again however often it is tried: `EX_CONFIG`, which nothing else ends with."""


def main() -> int:
    """Return the exit status: 0, REFUSED, or PREEMPTED."""
    # for what has nothing to save; as the first process of a container it would not hear the signal otherwise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(PREEMPTED))
    try:
        settings = read_settings(sys.argv[1:])
        logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stdout)
        # of others no more than warnings: the HTTP client tells each request, signed addresses among them
        logging.getLogger(__package__).setLevel(logging.INFO)
        # after the settings, since these imports take long
        from .publish import best_of, export, push
        from .train import fine_tune

        if not sys.stderr.isatty():
            _hide_progress_bars()
        folder = export(settings, best_of([fine_tune(settings, model) for model in settings.models]))
        if settings.push_to:
            push(folder, settings.push_to, private=settings.private)
        logging.getLogger(__package__).info("done: %s", folder)
    except RefusedError as refused:
        sys.stderr.write(f"error: {refused}\n")
        return REFUSED
    return 0


def _hide_progress_bars() -> None:
    """In a log they are thousands of lines; the log's own tell how far it is."""
    import datasets
    import huggingface_hub.utils
    import transformers

    datasets.disable_progress_bars()
    huggingface_hub.utils.disable_progress_bars()
    transformers.logging.disable_progress_bar()


if __name__ == "__main__":
    sys.exit(main())
