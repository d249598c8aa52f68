"""The command line and the processes it starts. Nothing imports this room."""
