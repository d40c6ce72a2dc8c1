"""Tools that run elsewhere: on MCP servers and OpenAPI services. Only what a policy uses is imported."""
