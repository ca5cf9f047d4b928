"""Thaw's rules, and the edges and work that apply them.

The modules directly in this package are pure: they know no AWS, environment or clock. `edge` talks to one
service a module, `work` puts rules and edges together; the five functions beside the package only wire.
"""
