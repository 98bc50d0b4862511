"""Room simulation: a whole small town of people and banks on a throw-away database, for trials and demonstrations."""
