"""The stepper: a backward pass one node at a time, forwards and back.

recording   keeps what goes into and comes out of each operation, for viewing
known       what is known of the values of a graph, recorded or not
graph       the boxes of a graph, operations and leaves, and their names
steps       the record of one backward pass
jacobian    the local derivative of a rule, found by calling it
rows        what a step shows, whatever the face
text        a step in the terminal, in plain_ascii
tables      arrays in a page: numbers, or a heat map
page        a step in a page, and the page that steps
views       layers that open into their own hand-derived steps
stepper     the one who moves through the record
"""
