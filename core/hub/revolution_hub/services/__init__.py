"""What a person may ask for: one file per noun, and the first line of each function is `require(...)`."""
