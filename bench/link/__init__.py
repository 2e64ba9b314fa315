"""A link that is slow, long, lossy and changing: one model, played in virtual time or between real sockets."""
