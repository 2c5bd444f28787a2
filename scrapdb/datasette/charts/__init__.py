"""Charts: points, and the lines of a frame, become specifications, which a process of its own draws as SVG."""
