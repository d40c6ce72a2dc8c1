"""A check's result in the forms that people and programs read, one file each."""
