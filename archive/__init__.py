"""What lasts: catalog of profile courses, recordings, objects, replay."""
