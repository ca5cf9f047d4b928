"""`thaw`, the command line: what a user of a deployed Thaw asks, sees and fetches.

A module of `commands` each; what they do stands in the modules beside this one. The rules (requests, states, tiers,
capacity, events) are those of the functions, imported from the package `thaw`.
"""
