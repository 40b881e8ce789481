"""When the parts of a stack are ready: by what the program waits for, and by what has to be waited for."""
