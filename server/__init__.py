"""The conversation over HTTP, the web page and the command line."""
