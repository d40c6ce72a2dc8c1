"""Parlant's REST interface, as its client speaks it, over the policy and the conversations of this server."""

import jurat.server.api  # noqa: F401 - its modules and these know each other; begun there, each finds the other whole
