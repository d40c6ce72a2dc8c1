"""What the seed's code calls and leaves to its reader: a shop's database, cache, records, and services."""
