"""Parlant's REST interface, as its client speaks it, over the policy and the conversations of this server."""
