"""The rules of SidePro, in the standard library alone: no framework, driver or clock."""
