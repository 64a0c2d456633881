"""How to look: each module knows one kind of server, file or protocol. No probe asserts."""
