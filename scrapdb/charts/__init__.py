"""Charts: points become a Vega-Lite specification, which a process of its own draws as SVG.

Imports the query language, for points out of a store; pages and reports import it. Begin with `plot`.
"""
