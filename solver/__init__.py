"""The meaning of a policy, symbolically: proofs, witnesses and findings."""
