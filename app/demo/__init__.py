"""A small real cluster on loopback, made and removed by the program itself."""
