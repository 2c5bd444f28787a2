"""Rows of parameters: read from where they stand, typed as the notebook types them, and given names for their outputs.

Begin with `grid`, then `parameters`; `placeholders` fills them into cells. Nothing here starts or writes anything.
"""
