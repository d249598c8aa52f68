"""The only room with FastAPI: translate in, make one call, translate out. One file per noun."""
