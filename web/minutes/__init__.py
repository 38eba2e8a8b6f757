"""The minutes on paper, and strokes on their way from a phone."""
