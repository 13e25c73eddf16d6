"""The live stream of a person: badges, and the changes of everything that is theirs."""
