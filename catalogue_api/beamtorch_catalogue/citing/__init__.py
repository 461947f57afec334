"""How data are cited and exchanged: DataCite XML, schema.org, citations, PROV. Pure functions, no database."""
