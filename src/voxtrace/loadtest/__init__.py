"""THE CROWD: many requests for speech at planned moments. It notes what happens and computes no statistics."""
