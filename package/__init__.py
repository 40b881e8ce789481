"""The components as packages: for Python in `python`, for Pulumi's other languages in `plugin`."""
