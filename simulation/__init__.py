"""Thaw's promises put to the proof: the deployed functions on the embedded AWS, and every choice in one hand.

A seed is one run, to the last call. What can be chosen has a point with a name of its own (`initiate InitiateJob 2`),
and what is chosen there follows from the seed and that name alone. So a run can be repeated with some of its choices
only, which is how a failure is cut down to the shortest schedule that still fails.
"""
