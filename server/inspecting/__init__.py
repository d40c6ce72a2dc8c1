"""What the pages show, as data: conversations and their turns, why and why not, the policy's graph, what a version changed."""
