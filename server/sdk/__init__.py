"""Declaring agents in Python: `import jurat.sdk as p` (see docs/sdk.md)."""
