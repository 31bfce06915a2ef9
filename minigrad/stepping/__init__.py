"""The stepper: a backward pass one node at a time, forwards and back.

- recording: keeps what goes into and comes out of each operation, for viewing
- known: what is known of the values of a graph, recorded or not
- graph: the boxes of a graph, operations and leaves, and their names
- steps: one step, what came in and what went out
- record: the steps of one backward pass, taken while it runs
- jacobian: the local derivative of a rule, found by calling it
- rows: what a step shows, whatever the face
- text: a step in the terminal, in plain_ascii
- tables: arrays in a page, numbers or a heat map
- scopes: which calls of modules an operation belongs to
- calls: these calls as a tree, and which of them are one box at first
- folded: all that a call did, as one step
- scenes: the graph of a page, a scene for each call
- page: a step in a page, and the page that steps, made from template
- views: layers that open into their own hand-derived steps, drawn with svg
- stepper: the one who moves through the record
"""
