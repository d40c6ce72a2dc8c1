"""Policies as programs: the other direction of what :mod:`jurat.sdk` does."""
