"""One module per library that turns samples into the bytes of an answer; `voxtrace.speech.encode` names them."""
