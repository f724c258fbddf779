"""Settings that a person writes and state that the program keeps."""
