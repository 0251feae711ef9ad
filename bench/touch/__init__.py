"""Touch panels measured by the names and limits of the field."""
