"""Jobs that make weights: fine-tune, convert, archive."""
