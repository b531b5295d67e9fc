"""Whether a worker can go on for ever: hours at half of its capacity, its memory, lag and open files watched."""
