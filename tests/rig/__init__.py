"""Real servers for tests and benchmarks: PostgreSQL and Redis from wheels, or named by the environment."""
