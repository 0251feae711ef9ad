"""The bench's side of the screen: ports, recordings, captures, judged presses and test cases."""
