"""The `llm-serving` command line: lists the recipes and rehearses their stacks without a cloud account."""
