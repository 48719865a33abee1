"""What any document is made of, and how it becomes HTML, LaTeX or text. Nothing here knows what a document says."""
