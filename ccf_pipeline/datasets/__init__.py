"""Write what trainers load: data sets in many formats, their wrapper, their card and their recipes."""
