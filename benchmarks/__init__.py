"""Speed and quality side by side with what a city would otherwise use."""
