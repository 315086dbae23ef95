"""How the gazetteer that ships with `ringfence.recognize` is made."""
