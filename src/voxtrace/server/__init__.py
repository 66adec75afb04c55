"""THE COUNTER: HTTP in front of the voice, in the shape that OpenAI's clients expect."""
