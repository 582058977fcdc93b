"""The YAML files and the keys: the only readers of both, and their errors."""
